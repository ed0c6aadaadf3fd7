"""The topics as Kafka has them, and doing what was planned."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from infra.kafka_bus import KafkaBus, connection_of
from infra.topics import Found, Step, Wanted, plan, topic_names, wanted_of
from services.kit.bus import BusAway
from services.kit.settings import Settings, SettingWrong

HEARD_S = 30.0


def found_on(bus: KafkaBus, names: Sequence[str]) -> dict[str, Found]:
    """The topics of these names that are there. Raises BusAway."""

    def ask(admin: KafkaAdminClient) -> dict[str, Found]:
        there = {t["name"]: t["partitions"] for t in admin.describe_topics(list(names)) if not t["error_code"]}
        if not there:
            return {}
        asked = [ConfigResource("TOPIC", name) for name in there]
        configured = admin.describe_configs(asked, config_filter="all")["topic"]
        return {
            name: Found(
                partitions=len(partitions),
                replication=min(len(p["replica_nodes"]) for p in partitions),
                configuration={key: c["value"] for key, c in configured[name].items() if c["value"] is not None},
                empty=True,
            )
            for name, partitions in there.items()
        }

    found = bus.ask(ask)
    ends = bus.ends(list(found))
    used = {spot.topic for spot, end in ends.items() if end}
    return {
        name: Found(
            partitions=f.partitions, replication=f.replication, configuration=f.configuration, empty=name not in used
        )
        for name, f in found.items()
    }


def carry_out(bus: KafkaBus, wanted: Wanted, steps: Sequence[Step]) -> None:
    """Do it, and return when every broker tells of it: what is changed is heard by one after the other. Raises BusAway; what was done until
    then is done, and a new plan shows the rest."""
    for step in steps:
        bus.ask(partial(_do, wanted=wanted, step=step))
    names, until = sorted({step.topic for step in steps}), time.monotonic() + HEARD_S
    while not _all_told(bus, names, wanted):
        if time.monotonic() > until:
            raise BusAway(f"after {HEARD_S:.0f} s the brokers do not yet tell of all that was done")
        time.sleep(0.1)


def _all_told(bus: KafkaBus, names: list[str], wanted: Wanted) -> bool:
    try:
        return not plan(names, wanted, found_on(bus, names))[0]
    except BusAway:  # one broker told of a new topic already, the next that was asked did not
        return False


def _do(admin: KafkaAdminClient, wanted: Wanted, step: Step) -> None:
    if step.create:
        topic = {
            "num_partitions": wanted.partitions,
            "replication_factor": wanted.replication,
            "configs": wanted.configuration,
        }
        admin.create_topics({step.topic: topic}, wait_for_metadata=True)
    elif step.partitions:
        admin.create_partitions({step.topic: step.partitions})
    else:
        done = admin.alter_configs([ConfigResource("TOPIC", step.topic, dict(step.configuration))])
        if (said := done["topic"][step.topic]) != "OK":
            raise BusAway(f"{step.topic} could not be changed: {said}")


def topics(settings: Settings, args: argparse.Namespace) -> int:
    """Print what is to be done so that every topic is there and keeps its promises; `apply` does it. Exit 1 if anything is refused."""
    if not settings.kafka_bootstrap:
        raise SettingWrong("KAFKA_BOOTSTRAP is empty: topics are Kafka's.")
    bus = KafkaBus(connection_of(settings))
    wanted = wanted_of(settings)
    try:
        steps, refused = plan(topic_names(), wanted, found_on(bus, topic_names()))
        for step in steps:
            print(step)
        for sentence in refused:
            print(f"Refused: {sentence}.", file=sys.stderr)
        if refused:
            return 1
        if args.action == "apply":
            carry_out(bus, wanted, steps)
        print(f"{len(topic_names())} topics, {len(steps)} steps {'done' if args.action == 'apply' else 'to do'}.")
    except BusAway as error:
        print(f"Kafka: {error}.", file=sys.stderr)
        return 1
    finally:
        bus.close()
    return 0
