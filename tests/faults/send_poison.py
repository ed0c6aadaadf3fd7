"""`python -m tests.faults.send_poison TOPIC`: a message nobody can read."""

from __future__ import annotations

import sys

from infra.kafka_bus import KafkaBus, connection_of
from services.kit.bus import Message
from services.kit.settings import read_settings

bus = KafkaBus(connection_of(read_settings()))
bus.publish([Message(topic=sys.argv[1], key="nobody", value=b"a test message of the network team")])
bus.close()
