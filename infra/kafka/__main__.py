"""`python -m infra.kafka get|run`: fetch and verify the broker's jars; run a broker (or three) until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys

from infra.embedded import CannotStart
from infra.kafka.cluster import Cluster
from infra.kafka.jars import get_jars
from services.kit.settings import read_settings


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.kafka", description=__doc__)
    parser.add_argument("action", choices=["get", "run"])
    parser.add_argument("--brokers", type=int, choices=[1, 3], default=1)
    parser.add_argument(
        "--port", type=int, default=9092, help="of the first broker; the others and the controllers follow"
    )
    args = parser.parse_args()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, signal.default_int_handler)
    var = read_settings().var
    try:
        jars = get_jars(var)
        if args.action == "get":
            print(f"Kafka's jars are in {jars}.")
            return 0
        ports = range(args.port, args.port + args.brokers)
        controllers = range(args.port + args.brokers, args.port + 2 * args.brokers)
        cluster = Cluster(var / "kafka" / f"brokers-{args.brokers}", jars, ports=ports, controllers=controllers)
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 2
    try:
        cluster.start()
        print(f"Kafka is ready: KAFKA_BOOTSTRAP={cluster.bootstrap}. Ctrl-C stops it.", flush=True)
        signal.pause()
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopping.")
    finally:
        cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
