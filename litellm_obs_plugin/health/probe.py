"""One free look at an address: DNS, TCP, TLS, one GET. No body is read, no redirect followed."""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx

from litellm_obs_plugin.health.address import is_address, port_of, resolve
from litellm_obs_plugin.health.finding import Finding, Probed
from litellm_obs_plugin.health.stopwatch import Stopwatch
from litellm_obs_plugin.health.target import Target

_PROXIED = "an egress proxy stands between: TCP alone cannot tell"


async def probe(
    target: Target, client: httpx.AsyncClient, *, proxied: bool, timeout_s: float, now: float
) -> Probed:
    """Ask *target* with GET; *proxied* says that *client* goes through an egress proxy."""
    watch, url = Stopwatch(), httpx.URL(target.url or "")

    async def ask() -> int:
        addresses = [None] if proxied else await resolve(url, watch)
        *others, last = addresses
        connect_s = timeout_s / len(addresses)
        for address in others:
            try:
                return await _get(target, client, address, watch, timeout_s, connect_s)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await _get(target, client, last, watch, timeout_s, connect_s)

    return await _judged(ask, watch, timeout_s=timeout_s, now=now, keyed=bool(target.headers))


async def probe_tcp(target: Target, *, proxied: bool, timeout_s: float, now: float) -> Probed:
    """The same up to an open connection."""
    if proxied:
        return Probed(at=now, finding=Finding.UNKNOWN, detail=_PROXIED)
    watch, url = Stopwatch(), httpx.URL(target.url or "")

    async def connect() -> None:
        await _connect(await resolve(url, watch), port_of(url), watch, timeout_s=timeout_s)

    return await _judged(connect, watch, timeout_s=timeout_s, now=now, keyed=False)


async def _judged(
    ask: Callable[[], Awaitable[int | None]],
    watch: Stopwatch,
    *,
    timeout_s: float,
    now: float,
    keyed: bool,
) -> Probed:
    status: int | None = None
    try:
        async with asyncio.timeout(timeout_s):
            status = await ask()
    except (TimeoutError, httpx.TimeoutException):
        finding, detail = Finding.TIMEOUT, f"no answer within {timeout_s:g} s ({watch.step})"
    except socket.gaierror as error:
        finding, detail = Finding.DNS, f"the name does not resolve: {error.strerror}"
    except (httpx.TransportError, OSError) as error:
        finding, detail = _failed(error, watch.step)
    else:
        finding, detail = _answered(status, keyed=keyed)
    return Probed(
        at=now,
        finding=finding,
        phases=watch.phases(),
        status_code=status,
        detail=detail,
        authenticated=keyed,
    )


def _answered(status: int | None, *, keyed: bool) -> tuple[Finding, str]:
    if status is None:
        return Finding.OK, ""
    if status >= 500:
        return Finding.SERVER_ERROR, f"answers {status}"
    if status == 407:
        return Finding.PROXY, "the egress proxy refuses us: 407"
    if keyed and status in (401, 403):
        return Finding.AUTH, f"reachable, but refuses the key: {status}"
    if keyed and status == 429:
        return Finding.RATE_LIMIT, "reachable, but limits our rate: 429"
    return Finding.OK, ""


def _failed(error: Exception, step: str) -> tuple[Finding, str]:
    if isinstance(error, httpx.ProxyError):
        return Finding.PROXY, f"the egress proxy refuses us: {error}"[:200]
    if step == "tls":
        return Finding.TLS, f"TLS fails: {_reason(error)}"
    if step == "http":
        return Finding.PROTOCOL, f"no HTTP answer: {_reason(error)}"
    return Finding.CONNECTION, f"no connection: {_reason(error)}"


def _reason(error: BaseException) -> str:
    """The system's word for it, which lies below httpx's."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ssl.SSLError):  # whose errno is not the system's
            return getattr(below, "verify_message", "") or below.reason or str(below)[:200]
        number = getattr(below, "errno", None)
        if isinstance(number, int) and number in errno.errorcode:
            return os.strerror(number)
        error, below = below, below.__cause__ or below.__context__
    return (str(error) or type(error).__name__)[:200]


async def _get(
    target: Target,
    client: httpx.AsyncClient,
    address: str | None,
    watch: Stopwatch,
    timeout_s: float,
    connect_s: float,
) -> int:
    url, headers = httpx.URL(target.url or ""), dict(target.headers)
    extensions: dict[str, Any] = {
        "trace": watch.trace,
        "timeout": httpx.Timeout(timeout_s, connect=connect_s).as_dict(),
    }
    if address is not None:  # the look-up is done and timed; the name stays in Host and in TLS
        headers["Host"] = url.netloc.decode("ascii")
        if not is_address(url.host):
            extensions["sni_hostname"] = url.raw_host.decode("ascii")
        url = url.copy_with(host=address)
    request = client.build_request("GET", url, headers=headers, extensions=extensions)
    response = await client.send(request, stream=True, follow_redirects=False)
    await response.aclose()
    return response.status_code


async def _connect(
    addresses: Sequence[str], port: int, watch: Stopwatch, *, timeout_s: float
) -> None:
    *others, last = addresses
    watch.begin("tcp")
    for address in others:
        try:
            async with asyncio.timeout(timeout_s / len(addresses)):
                _, writer = await asyncio.open_connection(address, port)
        except OSError:  # a timeout is one
            continue
        break
    else:
        _, writer = await asyncio.open_connection(last, port)
    watch.end()
    writer.close()
