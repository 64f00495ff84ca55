"""Calls through Fulcrum by a client that shares no code with it: grpcio.

Usage: calls.py [--load] ADDRESS PROTO_DIR DOMAIN... Exits with 0 if all checks hold for each domain.
With --load it makes calls for some seconds, in which the domains may be restarted.
`cargo xtask interop` starts the app and runs this.
"""

import argparse
import json
import pathlib
import tempfile
import time

import grpc

from client import check, generate_stubs

AT_ONCE = 1_000
LOAD_SECONDS = 6
CALLS_PER_SECOND = 100


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--load", action="store_true")
    parser.add_argument("address")
    parser.add_argument("proto", type=pathlib.Path)
    parser.add_argument("domains", nargs="+")
    arguments = parser.parse_args()
    print(f"grpcio {grpc.__version__} calls {', '.join(arguments.domains)}")
    options = [("grpc.enable_http_proxy", 0)]
    with tempfile.TemporaryDirectory() as out, \
            grpc.insecure_channel(arguments.address, options) as channel:
        messages, services = generate_stubs(arguments.proto, pathlib.Path(out))
        client = Client(services.FrameworkServiceStub(channel), messages)
        if arguments.load:
            client.load(arguments.domains)
            return
        for domain in arguments.domains:
            client.many_at_once(domain)
            client.deadlines(domain)
            client.failures(domain)
            client.parts(domain)


class Client:
    def __init__(self, stub, messages):
        self.stub = stub
        self.messages = messages

    def request(self, domain, kind, payload, number=0):
        return self.messages.DomainMessage(
            domain=domain, type=kind, payload=json.dumps(payload), request_id=str(number))

    def echo(self, domain, number, **options):
        request = self.request(domain, "text_echo_request", {"text": str(number)}, number)
        return self.stub.SendMessage.future(request, **options)

    @staticmethod
    def is_own(number, answer):
        """Whether an answer is that to its own request."""
        return answer.success and answer.request_id == str(number) \
            and json.loads(answer.payload)["text"] == str(number)

    def many_at_once(self, domain):
        calls = [self.echo(domain, number, timeout=30) for number in range(AT_ONCE)]
        failed = [call.result() for number, call in enumerate(calls)
                  if not self.is_own(number, call.result())]
        check(not failed, f"{domain}: {AT_ONCE} calls at once are all answered, none mixed up", failed[:3])

    def deadlines(self, domain):
        codes = set()
        for _ in range(50):
            try:
                self.stub.SendMessage(self.request(domain, "answer_wait_request", {"ms": 500}), timeout=0.03)
                codes.add("answered")
            except grpc.RpcError as error:
                codes.add(error.code().name)
        check(codes == {"DEADLINE_EXCEEDED"}, f"{domain}: an expired deadline is always DEADLINE_EXCEEDED", codes)

        request = self.request(domain, "answer_wait_request", {"ms": 3_000})
        answer = self.stub.SendMessage(request, timeout=20)
        check(answer.success, f"{domain}: a caller's deadline is longer than the default", answer)
        answer = self.stub.SendMessage(request)
        code = json.loads(answer.payload).get("code")
        check(answer.type == "error" and code == "TIMEOUT",
              f"{domain}: without a deadline, call_timeout applies and has a code", answer)

    def failures(self, domain):
        answer = self.stub.SendMessage(self.request("nobody", "x_request", {}), timeout=10)
        check(json.loads(answer.payload)["code"] == "UNAVAILABLE",
              "a failure has a machine-readable code", answer.payload)
        answer = self.stub.SendMessage(self.request(domain, "drain", {}), timeout=10)
        check(json.loads(answer.payload)["code"] == "INVALID",
              f"{domain}: a reserved type is INVALID", answer.payload)

    def parts(self, domain):
        request = self.request(domain, "row_list_request", {"to": 100})
        answers = list(self.stub.SendMessageStream(request, timeout=20))
        rows = [json.loads(answer.payload) for answer in answers]
        rows = rows[0] if len(rows) == 1 else rows
        check([row["n"] for row in rows] == list(range(1, 101)),
              f"{domain}: a response in {len(answers)} part(s) is complete and in order", rows[:3])
        endless = self.stub.SendMessageStream(self.request(domain, "row_list_request", {"to": 100_000}))
        next(endless)
        endless.cancel()
        check(self.is_own(1, self.echo(domain, 1, timeout=10).result()),
              f"{domain}: a response that is given up holds nothing back", "no answer")

    def load(self, domains):
        calls, begin = [], time.monotonic()
        for number in range(LOAD_SECONDS * CALLS_PER_SECOND):
            time.sleep(max(0, begin + number / CALLS_PER_SECOND - time.monotonic()))
            calls.append(self.echo(domains[number % len(domains)], number, timeout=30))
        failed = [call.result() for number, call in enumerate(calls)
                  if not self.is_own(number, call.result())]
        check(not failed, f"{len(calls)} calls while the domains are restarted: none failed", failed[:3])


if __name__ == "__main__":
    main()
