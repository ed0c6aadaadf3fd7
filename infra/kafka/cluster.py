"""One broker or several, each a Java process of its own, on the loopback address unless told otherwise; what they stored is kept when they
are stopped and started again."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from infra.embedded import CannotStart
from infra.kafka.jars import java

READY_S = 60
STOP_S = 30
MEMORY = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    """Brokers that are controllers too (KRaft), numbered from 1. `extra` lines win over the configuration written here. `hosts`: the
    address of each. `within`: what each is started by, as a broker on another host is by `ip netns exec NAME`."""

    def __init__(
        self, folder: Path, jars: Path, *, ports: Sequence[int], controllers: Sequence[int], extra: Mapping[str, str] | None = None,
        hosts: Sequence[str] = (), within: Mapping[int, Sequence[str]] | None = None,
    ) -> None:  # fmt: skip
        self.folder, self._jars, self._ports = folder.resolve(), jars.resolve(), list(ports)
        self._hosts, self._within = list(hosts) or ["127.0.0.1"] * len(ports), dict(within or {})
        self._voters = ",".join(f"{n}@{self._hosts[n - 1]}:{port}" for n, port in enumerate(controllers, 1))
        self._controllers = list(controllers)
        self._extra = dict(extra or {})
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def bootstrap(self) -> str:
        return ",".join(f"{host}:{port}" for host, port in zip(self._hosts, self._ports, strict=True))

    def start(self, *, format_options: Sequence[str] = ()) -> None:
        """Start every broker and wait until all have found each other. Raises CannotStart."""
        for n in range(1, len(self._ports) + 1):
            self.start_one(n, format_options=format_options)
        self.wait()

    def start_one(self, n: int, *, format_options: Sequence[str] = ()) -> None:
        """Start broker `n` on what it has stored, without waiting for it."""
        home = self.folder / str(n)
        home.mkdir(parents=True, exist_ok=True)
        config = home / "server.properties"
        config.write_text("".join(f"{name}={value}\n" for name, value in self._configuration(n).items()))
        if not (home / "data" / "meta.properties").exists():
            self._format(config, format_options)
        with (home / "log").open("ab") as log:
            self._running[n] = subprocess.Popen(
                [*self._within.get(n, ()), *self._java("kafka.Kafka", str(config))], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,  # Ctrl-C is for us: we stop the brokers in order
            )  # fmt: skip

    def wait(self, *, wait_s: float = READY_S) -> None:
        """Return when every running broker is known to the others. Raises CannotStart."""
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            for n, process in self._running.items():
                if process.poll() is not None:
                    raise CannotStart(f"Kafka broker {n} ended at once; its log is {self.folder / str(n) / 'log'}.")
            if self._seen(self._controllers) and self._seen(self._ports) and self._members() >= len(self._running):
                return
            time.sleep(0.1)  # nothing tells us from outside: ask again
        raise CannotStart(f"Kafka is not ready after {wait_s:.0f} s; its logs are under {self.folder}.")

    def stop(self) -> None:
        """Stop every broker in order; those that hang are killed."""
        for process in self._running.values():
            process.terminate()
        for n in list(self._running):
            self._end(n)

    def stop_one(self, n: int) -> None:
        self._running[n].terminate()
        self._end(n)

    def kill_one(self, n: int) -> None:
        """As when its machine loses power, but for what the operating system still writes."""
        self._running[n].kill()
        self._end(n)

    def pid(self, n: int) -> int:
        """The process of running broker `n`, to be frozen for example."""
        return self._running[n].pid

    def ended(self, n: int) -> bool:
        """Whether broker `n`, which was started, ended by itself."""
        return self._running[n].poll() is not None

    def _end(self, n: int) -> None:
        process = self._running.pop(n)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)

    def _seen(self, ports: Sequence[int]) -> bool:
        """Whether the ports of the running brokers are listened on; cheaper to ask than a client that keeps trying."""
        for n in self._running:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex((self._hosts[n - 1], ports[n - 1])) != 0:
                    return False
        return True

    def _members(self) -> int:
        """How many brokers the cluster counts."""
        ports = [f"{self._hosts[n - 1]}:{self._ports[n - 1]}" for n in self._running]
        try:
            with KafkaAdminClient(bootstrap_servers=ports, bootstrap_timeout_ms=5000, request_timeout_ms=5000) as admin:
                return len(admin.describe_cluster()["brokers"])
        except KafkaError:
            return 0

    def _format(self, config: Path, options: Sequence[str]) -> None:
        """Give the storage its identity, which all brokers of a cluster share: a fixed one, as they meet nobody but each other."""
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", "format", "-t", "bWVyaXRjb2luLWxvY2FsMQ", "-c", str(config), *options),
            capture_output=True, text=True, timeout=READY_S, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise CannotStart(f"Kafka's storage cannot be prepared: {(done.stdout + done.stderr).strip()[-500:]}")

    def _java(self, *what: str) -> list[str]:
        # Java itself resolves the star. The log goes to standard error at the level of a server nobody watches.
        level = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        return [java(), *MEMORY, level, "-cp", f"{self._jars}{os.sep}*", *what]

    def _configuration(self, n: int) -> dict[str, str]:
        host = self._hosts[n - 1]
        count = len(self._ports)
        copies, in_sync = str(min(3, count)), str(min(2, count))
        return {
            "process.roles": "broker,controller",
            "node.id": str(n),
            "controller.quorum.voters": self._voters,
            "listeners": f"PLAINTEXT://{host}:{self._ports[n - 1]},CONTROLLER://{host}:{self._controllers[n - 1]}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self.folder / str(n) / "data"),
            "auto.create.topics.enable": "false",
            "default.replication.factor": copies,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "broker.heartbeat.interval.ms": "500",
            "broker.session.timeout.ms": "3000",  # a killed broker may come back this soon
            "group.initial.rebalance.delay.ms": "0",  # a lone consumer need not wait for company
            **self._extra,
        }
