"""The port everything is served on."""

from __future__ import annotations

import socket


class PortTaken(Exception):
    """The port cannot be listened on; the message says what to do."""


def check_port(host: str, port: int) -> None:
    """Raises PortTaken when somebody listens there already, or the system forbids it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"Port {port} on {host} cannot be used ({error.strerror}). Choose another one: PORT={port + 1 if port < 65535 else 8001}."
            ) from None
