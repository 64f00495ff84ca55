"""A client that shares no code with Fulcrum.

Made with the stock grpcio packages from proto/framework/framework.proto, it checks against
a running sample app (tests/apps/shop) that ordinary gRPC tools and orchestrators' probes
work: a message to a domain, the standard health service, server reflection.

Usage: client.py ADDRESS PROTO_FOLDER [--sku SKU]. Exit 0 if everything was as it should be.
`cargo xtask foreign` starts the app and runs this.
"""

import argparse
import importlib
import json
import pathlib
import sys
import tempfile

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from grpc_tools import protoc

TIMEOUT_SECONDS = 10


def generate_stubs(proto_folder, out):
    """Makes the Python modules from the .proto and returns them."""
    arguments = ["protoc", f"--proto_path={proto_folder / 'framework'}", f"--python_out={out}",
                 f"--grpc_python_out={out}", "framework.proto"]
    # grpcio-tools carries Google's well-known types but doesn't look there by itself.
    arguments.insert(1, f"--proto_path={pathlib.Path(protoc.__file__).parent / '_proto'}")
    if protoc.main(arguments) != 0:
        raise SystemExit(f"no stubs could be made from {proto_folder}/framework/framework.proto")
    sys.path.insert(0, str(out))
    return importlib.import_module("framework_pb2"), importlib.import_module("framework_pb2_grpc")


def check(holds, what, seen):
    """Prints what was found to hold, or ends the program with what was seen instead."""
    if not holds:
        raise SystemExit(f"FAILED: {what}; seen: {seen}")
    print(f"ok: {what}")


def send_messages(channel, messages, services, sku):
    """SendMessage to a domain that is there, and to one that isn't."""
    stub = services.FrameworkServiceStub(channel)

    request = messages.DomainMessage(
        domain="catalog", type="product_get_request",
        payload=json.dumps({"sku": sku}), request_id="foreign-1")
    answer = stub.SendMessage(request, timeout=TIMEOUT_SECONDS)
    check(answer.success and answer.type == "product_get_response",
          "catalog answers product_get_request with product_get_response", answer)
    check(answer.request_id == "foreign-1", "the answer has the caller's request_id", answer)
    check(json.loads(answer.payload)["product"]["sku"] == sku,
          f"the answer is about {sku}", answer.payload)

    request = messages.DomainMessage(domain="nobody", type="x_request", payload="{}")
    answer = stub.SendMessage(request, timeout=TIMEOUT_SECONDS)
    check(not answer.success and answer.type == "error" and "nobody" in answer.error,
          "a domain that isn't there is an answer of type error that names it", answer)


def check_health(channel):
    """The standard health service: the app, a domain, and a name that isn't known."""
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", "domain.catalog", "domain.notifications"):
        status = stub.Check(health_pb2.HealthCheckRequest(service=service),
                            timeout=TIMEOUT_SECONDS).status
        check(status == health_pb2.HealthCheckResponse.SERVING,
              f'health of "{service}" is SERVING', status)
    try:
        answer = stub.Check(health_pb2.HealthCheckRequest(service="domain.nobody"),
                            timeout=TIMEOUT_SECONDS)
        check(False, 'health of "domain.nobody" is NOT_FOUND', answer)
    except grpc.RpcError as error:
        check(error.code() == grpc.StatusCode.NOT_FOUND,
              'health of "domain.nobody" is NOT_FOUND', error.code())


def check_reflection(channel):
    """Server reflection: which services there are, and what a message looks like."""
    database = ProtoReflectionDescriptorDatabase(channel)
    services = sorted(database.get_services())
    wanted = {"framework.FrameworkService", "grpc.health.v1.Health"}
    check(wanted.issubset(services), f"reflection lists {', '.join(services)}", services)

    service = DescriptorPool(database).FindServiceByName("framework.FrameworkService")
    methods = sorted(method.name for method in service.methods)
    check(methods == ["DomainCommunication", "SendMessage"],
          f"reflection describes the methods {', '.join(methods)}", methods)
    fields = {field.name: field.number for field in service.methods_by_name["SendMessage"].input_type.fields}
    check(fields == {"domain": 1, "type": 2, "payload": 3, "request_id": 4},
          "reflection describes the fields of DomainMessage", fields)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", help="host:port, from `fulcrum domains status -o json`")
    parser.add_argument("proto", type=pathlib.Path, help="the repository's proto folder")
    parser.add_argument("--sku", default="tea-green", help="a product that catalog knows")
    arguments = parser.parse_args()

    print(f"grpcio {grpc.__version__} dials {arguments.address}")
    # A proxy for the web is none for the loopback.
    options = [("grpc.enable_http_proxy", 0)]
    with tempfile.TemporaryDirectory() as out, \
            grpc.insecure_channel(arguments.address, options) as channel:
        messages, services = generate_stubs(arguments.proto, pathlib.Path(out))
        send_messages(channel, messages, services, arguments.sku)
        check_health(channel)
        check_reflection(channel)


if __name__ == "__main__":
    main()
