"""Reads the metrics of an instance with Prometheus' own Python library, which shares no code with Fulcrum.

Usage: metrics.py URL NAME...: both text formats parse, and have a sample for each NAME. The classic
format is written to standard output, for `promtool check metrics`. `cargo xtask interop` runs this.
"""

import sys
import urllib.request
from importlib.metadata import version

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_classic

# The order in which OpenMetrics and the classic format are tried by Prometheus itself.
OPEN = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def read(url, accept):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.headers["Content-Type"], response.read().decode("utf-8")


def samples(families):
    return [sample for family in families for sample in family.samples]


def main():
    url, *names = sys.argv[1:]
    kind, text = read(url, OPEN)
    assert kind.startswith("application/openmetrics-text"), kind
    families = list(parse_open(text))
    assert len({family.name for family in families}) == len(families), "a family occurs twice"
    for family in families:
        assert family.documentation, f"{family.name} has no help"
        assert family.type != "unknown", f"{family.name} has no type"
    found = {sample.name for sample in samples(families)}
    missing = [name for name in names if name not in found]
    assert not missing, f"not in OpenMetrics: {missing}"
    units = {family.name: family.unit for family in families}
    assert units["fulcrum_domain_event_loop_lag_seconds"] == "seconds", units

    kind, classic = read(url, "text/plain")
    assert kind.startswith("text/plain; version=0.0.4"), kind
    parsed = samples(parse_classic(classic))
    missing = [name for name in names if name not in {sample.name for sample in parsed}]
    assert not missing, f"not in the classic format: {missing}"
    up = [s for s in parsed if s.name == "fulcrum_domain_up" and s.labels["domain"] == "catalog"]
    assert [s.value for s in up] == [1.0], up
    print(f"ok: prometheus_client {version('prometheus_client')} parses {len(families)} families "
          f"and {len(parsed)} samples", file=sys.stderr)
    sys.stdout.write(classic)


if __name__ == "__main__":
    main()
