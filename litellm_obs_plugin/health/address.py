"""From a host's name to the addresses a probe tries."""

import asyncio
import socket
from ipaddress import ip_address

import httpx

from litellm_obs_plugin.health.stopwatch import Stopwatch

_PER_FAMILY = 2  # of IPv4 and of IPv6, so that one dead family does not hide the other


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def port_of(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


async def resolve(url: httpx.URL, watch: Stopwatch) -> list[str]:
    """The addresses of the host in the system's order.

    Raises:
        socket.gaierror: there are none.
    """
    if is_address(url.host):
        return [url.host]
    watch.begin("dns")
    found = await asyncio.get_running_loop().getaddrinfo(
        url.raw_host.decode("ascii"), port_of(url), type=socket.SOCK_STREAM
    )
    watch.end()
    by_family: dict[int, list[str]] = {}
    for family, *_, address in found:
        by_family.setdefault(family, []).append(str(address[0]))
    return [one for addresses in by_family.values() for one in addresses[:_PER_FAMILY]]
