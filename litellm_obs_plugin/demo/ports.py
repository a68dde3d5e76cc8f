"""Ports: are they free?"""

from __future__ import annotations

import socket


class PortTakenError(Exception):
    """Somebody else listens where we want to."""


def check_ports(host: str, *, ports: dict[str, int]) -> None:
    """Make sure that nobody listens yet.

    Raises:
        PortTakenError: with the name and the number of the port that is not free.
    """
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                msg = f"port {port} for the {name} is not free on {host}: {error.strerror}"
                raise PortTakenError(msg) from error
