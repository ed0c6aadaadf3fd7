"""The commands of a city that runs on Kafka, one process each."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from services.kit.settings import Settings

Run = Callable[[Settings, argparse.Namespace], int]
Add = Callable[[str, Run, str], argparse.ArgumentParser]


def topics(settings: Settings, args: argparse.Namespace) -> int:
    from infra.kafka_topics import topics as run

    return run(settings, args)


def add_commands(add: Add) -> None:
    """Register the commands with the command line."""
    topic = add("topics", topics, "Kafka's topics: what is missing or too weak, and putting it right")
    topic.add_argument("action", choices=["plan", "apply"])
