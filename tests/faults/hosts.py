"""Hosts of their own within this machine, for tests that delay and cut the network between them: Linux network namespaces, each with one
link to a switch that is a process of the tests' (the kernel's `netem` is not everywhere, a TUN device is).

    python -m tests.faults.hosts NAME ADDRESS …      reads `delay NAME SECONDS JITTER`, `cut NAME`, `heal NAME` from its input
"""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.faults.machines import am_root, do, need

NET = "10.77.31"  # a private range; the addresses are within namespaces, but for our own
HERE = f"{NET}.1"
TUN = Path("/dev/net/tun")
ETC = Path("/etc/netns")
MOST = 65_535
_SET_INTERFACE, _TUN, _BARE = 0x400454CA, 0x0001, 0x1000


class Network:
    """Hosts by name, with their addresses, and the links between them and us."""

    def __init__(self, hosts: Mapping[str, str], switch: subprocess.Popen[str]) -> None:
        self.hosts, self._switch = hosts, switch

    def within(self, name: str) -> tuple[str, ...]:
        """What starts a program on the host."""
        return ("ip", "netns", "exec", namespace(name))

    def delay(self, name: str, seconds: float, jitter: float) -> None:
        """What the host sends and is sent takes so much longer, give or take `jitter`; nothing overtakes."""
        self._say(f"delay {name} {seconds} {jitter}")

    def cut(self, name: str) -> None:
        """Nothing reaches or leaves the host; nobody is told."""
        self._say(f"cut {name}")

    def heal(self, name: str) -> None:
        self._say(f"heal {name}")

    def _say(self, line: str) -> None:
        assert self._switch.stdin
        assert self._switch.stdout
        self._switch.stdin.write(f"{line}\n")
        self._switch.stdin.flush()
        assert self._switch.stdout.readline() == "done\n"


@contextmanager
def a_network(*names: str, known_as: Mapping[str, str]) -> Iterator[Network]:
    """Hosts of these names, each reaching the others and us. `known_as`: further names, by host, under which all of them know it, separated
    by blanks. Skips the test where there may be none."""
    need(
        am_root() and TUN.exists() and shutil.which("ip") is not None,
        "hosts with networks of their own need Linux, root, iproute2 and /dev/net/tun (`modprobe tun`)",
    )
    hosts = {name: f"{NET}.{number}" for number, name in enumerate(names, 2)}
    told = "127.0.0.1 localhost\n" + "".join(f"{at} {name} {known_as.get(name, '')}\n" for name, at in hosts.items())
    with ExitStack() as stack:
        for name in hosts:
            stack.callback(_forget, name)
            (ETC / namespace(name)).mkdir(parents=True, exist_ok=True)
            (ETC / namespace(name) / "hosts").write_text(told)
            do("ip", "netns", "add", namespace(name))
        switch = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tests.faults.hosts", *(word for pair in hosts.items() for word in pair)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        stack.callback(switch.terminate)
        assert switch.stdout
        assert switch.stdout.readline() == "done\n", "the switch did not start"
        yield Network(hosts, switch)


def namespace(name: str) -> str:
    return f"meritcoin-{name}"


def _forget(name: str) -> None:
    subprocess.run(["ip", "netns", "delete", namespace(name)], capture_output=True, check=False)
    shutil.rmtree(ETC / namespace(name), ignore_errors=True)


# ---------- the switch ----------


class Switch:
    """Hands packets on by their destination, each link's in their order, as late as it is told."""

    def __init__(self, hosts: Mapping[str, str]) -> None:
        self._links = {HERE: a_link("mc-here", HERE, None)}
        self._links |= {at: a_link(f"mc-{name}"[:15], at, name) for name, at in hosts.items()}
        self._by_destination = {_packed(at): link for at, link in self._links.items()}
        self._address = {name: _packed(at) for name, at in hosts.items()}
        self._late: dict[bytes, tuple[float, float]] = {}
        self._cut: set[bytes] = set()
        self._last: dict[tuple[bytes, bytes], float] = {}
        self._waiting: list[tuple[float, int, bytes, bytes]] = []
        self._count = 0
        self._draw = random.Random(1)

    def run(self) -> None:
        """Until the input ends."""
        links = list(self._links.values())
        while True:
            pause = max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None
            ready, _, _ = select.select([sys.stdin, *links], [], [], pause)
            for one in ready:
                if one is sys.stdin:
                    line = sys.stdin.readline().split()
                    if not line:
                        return
                    self._told(*line)
                else:
                    self._take(os.read(one, MOST))
            self._hand_on()

    def _told(self, what: str, name: str, *numbers: str) -> None:
        at = self._address[name]
        if what == "cut":
            self._cut.add(at)
        elif what == "heal":
            self._cut.discard(at)
            self._late.pop(at, None)
        else:
            self._late[at] = float(numbers[0]), float(numbers[1])
        print("done", flush=True)

    def _take(self, packet: bytes) -> None:
        if packet[0] >> 4 != 4:
            return  # nobody here speaks IPv6
        source, destination = packet[12:16], packet[16:20]
        if destination not in self._by_destination or not self._cut.isdisjoint((source, destination)):
            return
        late = max(self._late.get(end, (0.0, 0.0)) for end in (source, destination))
        due = time.monotonic() + max(0.0, self._draw.uniform(late[0] - late[1], late[0] + late[1]))
        due = self._last[source, destination] = max(due, self._last.get((source, destination), 0.0))
        self._count += 1
        heapq.heappush(self._waiting, (due, self._count, destination, packet))

    def _hand_on(self) -> None:
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            _, _, destination, packet = heapq.heappop(self._waiting)
            os.write(self._by_destination[destination], packet)


def a_link(device: str, address: str, host: str | None) -> int:
    """A TUN device with that address, on a host or (None) here; answers what its packets are read from and written to."""
    descriptor = os.open(TUN, os.O_RDWR)
    fcntl.ioctl(descriptor, _SET_INTERFACE, struct.pack("16sH22x", device.encode(), _TUN | _BARE))
    where: tuple[str, ...] = ()
    if host is not None:
        do("ip", "link", "set", device, "netns", namespace(host))
        where = ("ip", "netns", "exec", namespace(host))
        do(*where, "ip", "link", "set", "lo", "up")
    do(*where, "ip", "address", "add", f"{address}/24", "dev", device)
    do(*where, "ip", "link", "set", device, "mtu", "32000", "up")
    return descriptor


def _packed(address: str) -> bytes:
    return bytes(int(part) for part in address.split("."))


if __name__ == "__main__":
    names_and_addresses = sys.argv[1:]
    switch = Switch(dict(zip(names_and_addresses[::2], names_and_addresses[1::2], strict=True)))
    print("done", flush=True)
    switch.run()
