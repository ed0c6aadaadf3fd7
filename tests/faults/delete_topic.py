"""`python -m tests.faults.delete_topic TOPIC`: somebody's mistake. Returns when it is gone."""

from __future__ import annotations

import sys
import time

from infra.kafka_bus import KafkaBus, connection_of
from services.kit.settings import read_settings

bus = KafkaBus(connection_of(read_settings()))
bus.ask(lambda admin: admin.delete_topics([sys.argv[1]]))
while sys.argv[1] in bus.ask(lambda admin: admin.list_topics()):
    time.sleep(0.1)
bus.close()
