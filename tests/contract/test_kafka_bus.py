"""What only a bus across machines must stand: brokers that stop, die or ask who one is, and topics that are made anew while one reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.kafka.cluster import Cluster, free_ports
from infra.kafka_bus import KafkaBus, connection_of
from services.kit.bus import BusAway, Record, TopicRecreated
from services.kit.settings import read_settings
from tests.builders_bus import assigned, fresh_topic, message, read, read_all, reading, until
from tests.conftest import a_folder
from tests.kafka_broker import a_kafka_bus, brokers_jars, make_topics

pytestmark = [pytest.mark.kafka, pytest.mark.proof]
BUSY_S = 4.0


@pytest.fixture
def topic() -> str:
    return fresh_topic()


@pytest.fixture
def bus(kafka: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaBus]:
    monkeypatch.setattr("infra.kafka_bus.FRESH_MS", 500)
    bus = a_kafka_bus(kafka, topic, patience_s=4.0)
    yield bus
    bus.close()


def test_a_bus_that_was_away_is_told_and_works_again_when_it_is_back(kafka: Cluster, bus: KafkaBus, topic: str) -> None:
    """The same bus and the same subscription go on; a reader is told too, and does not wait in silence."""
    bus.publish([message(topic, "k", b"before")])
    found: list[Record] = []
    with reading(bus, topic) as subscription:
        until(lambda: len(found) == 1, lambda: found.extend(read(subscription)))
        kafka.stop_one(1)
        try:
            with pytest.raises(BusAway):
                bus.publish([message(topic, "k", b"lost?")])
            with pytest.raises(BusAway):
                until(lambda: False, lambda: read(subscription))
        finally:
            kafka.start_one(1)
            kafka.wait()
        again(lambda: bus.publish([message(topic, "k", b"after")]))
        until(lambda: b"after" in {r.value for r in found}, lambda: again(lambda: found.extend(read(subscription))))
    values = [r.value for r in found]
    assert values in ([b"before", b"after"], [b"before", b"lost?", b"after"])


def again(what: object) -> None:
    """As a worker does: what finds the bus away is tried again."""
    ended = threading.Event()

    def attempt() -> None:
        try:
            what()  # type: ignore[operator]
            ended.set()
        except BusAway:
            return

    until(ended.is_set, attempt)


def test_what_was_acknowledged_outlives_a_killed_broker(kafka: Cluster, bus: KafkaBus, topic: str) -> None:
    bus.publish([message(topic, str(n), b"%d" % n) for n in range(500)])
    kafka.kill_one(1)
    kafka.start_one(1)
    kafka.wait()
    found: list[Record] = []
    again(lambda: found.extend(read_all(bus, topic)))
    assert sorted(int(r.value) for r in found) == list(range(500))


def test_a_topic_made_anew_while_one_reads_is_noticed(bus: KafkaBus, topic: str) -> None:
    """Otherwise what is written to it would lie below the stored positions, and be skipped."""
    bus.publish([message(topic, "k", b"old")] * 5)
    found: list[Record] = []
    with reading(bus, topic) as subscription:
        until(lambda: len(found) == 5, lambda: found.extend(read(subscription)))
        handled = {found[0].spot: 5}
        bus.ask(lambda admin: admin.delete_topics([topic]))
        until(
            lambda: topic not in bus.ask(lambda admin: admin.list_topics()),
            lambda: threading.Event().wait(0.1),
        )
        make_topics(bus, topic)
        again(lambda: bus.publish([message(topic, "k", b"new")]))
        with pytest.raises(TopicRecreated):
            until(lambda: False, lambda: again(lambda: found.extend(read(subscription, positions=handled))))
    assert {r.value for r in found} == {b"old"}


def test_partitions_added_while_one_reads_are_given_to_whoever_polls_ever_so_briefly(
    bus: KafkaBus, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The join that new partitions set off outlives the poll in which it begins: also when a poll ends between any two of its steps,
    as under load."""
    monkeypatch.setattr("infra.kafka_subscription.JOINING_MS", 0)
    with reading(bus, topic) as subscription:
        owned = set(assigned(subscription))
        for spot in owned:
            subscription.seek(spot, 0)
        bus.ask(lambda admin: admin.create_partitions({topic: 8}))

        def step() -> None:
            subscription.poll(10, 0.0)
            for spot in subscription.newly_assigned():
                subscription.seek(spot, 0)
                owned.add(spot)

        until(lambda: len(owned) == 8, step)


def test_a_member_that_is_busy_for_long_does_not_hold_up_the_others_of_its_group(
    bus: KafkaBus, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.kafka_bus.REBALANCE_S", BUSY_S)
    with reading(bus, topic, "town") as busy:
        owned = assigned(busy)  # alive, as the brokers hear, but it does not poll again
        with reading(bus, topic, "town") as other:
            assert assigned(other) == owned


def a_certificate(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that vouches for itself, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    both = folder / "broker.pem"
    both.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return both


def test_a_broker_with_tls_and_passwords_lets_in_who_knows_one_and_nobody_else() -> None:
    jars = brokers_jars()
    with a_folder() as folder:
        inner, outer, controller = free_ports(3)
        extra = {
            "listeners": f"PLAINTEXT://127.0.0.1:{inner},SASL_SSL://127.0.0.1:{outer},CONTROLLER://127.0.0.1:{controller}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config":
                "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(a_certificate(folder)),
        }  # fmt: skip
        cluster = Cluster(folder, jars, ports=[inner], controllers=[controller], extra=extra)
        environment = {
            "KAFKA_BOOTSTRAP": f"127.0.0.1:{outer}", "KAFKA_SECURITY": "SASL_SSL", "KAFKA_CA": str(folder / "ca.pem"),
            "KAFKA_USER": "ledger", "KAFKA_PASSWORD": "a long secret",
        }  # fmt: skip
        try:
            cluster.start(format_options=["--add-scram", "SCRAM-SHA-512=[name=ledger,password=a long secret]"])
            topic = fresh_topic()
            bus = KafkaBus(connection_of(read_settings(environment)))
            make_topics(bus, topic)
            bus.publish([message(topic, "k", b"v")])
            assert [r.value for r in read_all(bus, topic)] == [b"v"]
            bus.close()
            for wrong in ({"KAFKA_PASSWORD": "another secret"}, {"KAFKA_CA": ""}, {"KAFKA_SECURITY": "PLAINTEXT"}):
                stranger = KafkaBus(connection_of(read_settings({**environment, **wrong})), patience_s=2.0)
                with pytest.raises(BusAway):
                    stranger.publish([message(topic, "k", b"v")])
                stranger.close()
        finally:
            cluster.stop()


def test_where_nothing_may_be_skipped_a_missing_broker_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"needs Java 17.*python -m infra\.kafka get"):
        brokers_jars()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match=r"needs Java 17.*python -m infra\.kafka get"):
        brokers_jars()
