"""A receiver of OTLP logs and traces that shares no code with Fulcrum.

The stock services of the packages opentelemetry-proto and grpcio: they write each record and each
span as one line of JSON, in the order of arrival, and respond only when they are written.

Usage: receiver.py PORT FILE. With port 0 the system chooses one; the address is printed.
`cargo xtask interop` runs this.
"""

import json
import sys
from concurrent import futures

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


def value(any_value):
    """The value of an AnyValue as JSON has it."""
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    plain = getattr(any_value, kind)
    if kind == "array_value":
        return [value(one) for one in plain.values]
    if kind == "kvlist_value":
        return attributes(plain.values)
    return plain.hex() if kind == "bytes_value" else plain


def attributes(pairs):
    return {pair.key: value(pair.value) for pair in pairs}


class Receiver(logs_service_pb2_grpc.LogsServiceServicer):
    def __init__(self, file):
        self.file = file

    def Export(self, request, context):
        headers = {key: text for key, text in context.invocation_metadata()}
        for group in request.resource_logs:
            resource = attributes(group.resource.attributes)
            for scope in group.scope_logs:
                for record in scope.log_records:
                    self.file.write(json.dumps({
                        "service": resource.get("service.name"),
                        "tenant": headers.get("x-tenant"),
                        "scope": scope.scope.name,
                        "time": record.time_unix_nano,
                        "severity": record.severity_number,
                        "severity_text": record.severity_text,
                        "body": value(record.body),
                        "trace_id": record.trace_id.hex(),
                        "attributes": attributes(record.attributes),
                    }) + "\n")
        self.file.flush()
        return logs_service_pb2.ExportLogsServiceResponse()


class TraceReceiver(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, file):
        self.file = file

    def Export(self, request, context):
        headers = {key: text for key, text in context.invocation_metadata()}
        for group in request.resource_spans:
            resource = attributes(group.resource.attributes)
            for scope in group.scope_spans:
                for span in scope.spans:
                    self.file.write(json.dumps({
                        "resource": resource,
                        "tenant": headers.get("x-tenant"),
                        "trace_id": span.trace_id.hex(),
                        "span_id": span.span_id.hex(),
                        "parent_span_id": span.parent_span_id.hex(),
                        "name": span.name,
                        "kind": span.kind,
                        "start": span.start_time_unix_nano,
                        "end": span.end_time_unix_nano,
                        "status": span.status.code,
                        "attributes": attributes(span.attributes),
                    }) + "\n")
        self.file.flush()
        return trace_service_pb2.ExportTraceServiceResponse()


def main():
    port, path = sys.argv[1:]
    # One at a time, so that the file has the order of the requests.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    with open(path, "a", encoding="utf-8") as file:
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(Receiver(file), server)
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(TraceReceiver(file), server)
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        print(f"grpcio {grpc.__version__} listens on 127.0.0.1:{bound}", flush=True)
        server.wait_for_termination()


if __name__ == "__main__":
    main()
