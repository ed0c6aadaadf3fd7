"""What stands on a topic as a key, and which partition it goes to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as by_kafka_python

from infra.kafka_keys import murmur2


@given(st.binary(max_size=100))
def test_a_key_goes_where_every_other_client_of_kafka_would_send_it(key: bytes) -> None:
    assert murmur2(key) == by_kafka_python(key)
