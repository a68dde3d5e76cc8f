"""One round of probes: every address once, a few at a time."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from litellm_obs_plugin.health.finding import Finding, Probed, SharedProbe
from litellm_obs_plugin.health.probe import probe, probe_tcp
from litellm_obs_plugin.health.proxies import proxy_for
from litellm_obs_plugin.health.target import Target
from litellm_obs_plugin.health.tls import context_for

CONCURRENCY = 8
_HEADERS = {"user-agent": "litellm-obs-plugin", "accept": "application/json"}
# Worth a second look in the same round, so that one lost packet is not an outage.
_TRANSIENT = frozenset(
    {
        *(Finding.DNS, Finding.CONNECTION, Finding.TLS, Finding.TIMEOUT),
        *(Finding.PROTOCOL, Finding.PROXY, Finding.SERVER_ERROR),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How to probe: with a GET or, *tcp_only*, up to an open connection."""

    timeout_s: float
    clock: Callable[[], float]
    tcp_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    """Everything made ready, so that no making of clients falls into a measured time."""

    targets: Sequence[Target]
    client: httpx.AsyncClient | None
    proxied: bool
    problem: str = ""


async def probe_all(targets: Iterable[Target], manner: Manner) -> list[SharedProbe]:
    """Probe each address once; deployments with the same address share the result."""
    groups: dict[tuple[Any, ...], list[Target]] = {}
    for target in targets:
        if target.url is not None:
            groups.setdefault(target.key, []).append(target)
    askers = [_make_ready(group) for group in groups.values()]
    turns = asyncio.Semaphore(CONCURRENCY)
    return list(await asyncio.gather(*(_probe_twice(one, manner, turns) for one in askers)))


def _make_ready(group: Sequence[Target]) -> _Asker:
    proxy = proxy_for(group[0].url or "")
    try:
        client = httpx.AsyncClient(
            verify=context_for(group[0].verify),
            proxy=proxy,
            trust_env=False,
            headers=_HEADERS,
            limits=httpx.Limits(max_keepalive_connections=0),  # each look opens its own
        )
    except (ImportError, ValueError, OSError) as error:  # a SOCKS proxy, a lost CA bundle
        problem = f"no probe: {error}"[:200]
        return _Asker(targets=group, client=None, proxied=False, problem=problem)
    return _Asker(targets=group, client=client, proxied=proxy is not None)


async def _probe_twice(asker: _Asker, manner: Manner, turns: asyncio.Semaphore) -> SharedProbe:
    async with turns:
        probed = await _probe(asker, manner)
        if probed.finding in _TRANSIENT:
            probed = await _probe(asker, manner)
        if asker.client is not None:
            await asker.client.aclose()
    return SharedProbe(deployments=tuple(t.deployment.id for t in asker.targets), probed=probed)


async def _probe(asker: _Asker, manner: Manner) -> Probed:
    target, client, now = asker.targets[0], asker.client, manner.clock()
    if client is None:
        return Probed(at=now, finding=Finding.UNKNOWN, detail=asker.problem)
    look = partial(probe_tcp, target) if manner.tcp_only else partial(probe, target, client)
    return await look(proxied=asker.proxied, timeout_s=manner.timeout_s, now=now)
