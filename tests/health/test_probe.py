"""Probes against real sockets: how each trouble shows, and what goes over the wire."""

from __future__ import annotations

import asyncio
import socket

import pytest

from litellm_obs_plugin.health.address import resolve
from litellm_obs_plugin.health.finding import Finding
from litellm_obs_plugin.health.proxies import proxy_for
from litellm_obs_plugin.health.round import CONCURRENCY, Manner, probe_all
from litellm_obs_plugin.health.stopwatch import Stopwatch
from litellm_obs_plugin.health.target import Target, clean_url
from litellm_obs_plugin.health.tls import context_for
from tests.health.house import NOW, deployment
from tests.health.upstream import Upstream

SLACK_S = 0.02


def at(base, name="a", **more) -> Target:
    more.setdefault("url", f"{base}/models")
    return Target(deployment=deployment(name), base_url=base, **more)


async def look(*targets, timeout_s=2.0, tcp_only=False):
    manner = Manner(timeout_s=timeout_s, clock=lambda: NOW, tcp_only=tcp_only)
    return [shared.probed for shared in await probe_all(targets, manner)]


async def look_once(target, **how):
    (found,) = await look(target, **how)
    return found


async def test_a_provider_that_answers(upstream):
    found = await look_once(at(upstream.base + "/v1"))

    assert (Finding.OK, 200, NOW) == (found.finding, found.status_code, found.at)
    assert found.phases.tcp_s > 0
    assert found.phases.http_s > 0
    assert (None, None) == (found.phases.dns_s, found.phases.tls_s)


async def test_what_goes_over_the_wire(upstream):
    """One GET for the list of models, without a key, without a body."""
    await look_once(at(upstream.base + "/v1"))

    (request,) = upstream.seen
    assert request.startswith("GET /v1/models HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{upstream.port}\r\n" in request
    assert "uthorization" not in request
    assert "ontent-length" not in request


@pytest.mark.parametrize("delay_s", [0.05, 0.3])
async def test_latency_is_the_providers(upstream, delay_s):
    upstream.delay_s = delay_s

    found = await look_once(at(upstream.base))

    assert pytest.approx(delay_s, abs=SLACK_S) == found.latency_s


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 405, 429])
async def test_any_answer_below_500_is_reachable(upstream, status):
    upstream.status = status

    found = await look_once(at(upstream.base))

    assert (Finding.OK, status) == (found.finding, found.status_code)


@pytest.mark.parametrize("status", [500, 502, 503, 529])
async def test_an_answer_of_500_and_more_is_trouble(upstream, status):
    upstream.status = status

    found = await look_once(at(upstream.base))

    assert (Finding.SERVER_ERROR, f"answers {status}") == (found.finding, found.detail)
    assert found.latency_s > 0


@pytest.mark.parametrize(
    ("status", "finding"),
    [
        (200, Finding.OK),
        (401, Finding.AUTH),
        (403, Finding.AUTH),
        (404, Finding.OK),
        (429, Finding.RATE_LIMIT),
    ],
)
async def test_with_a_key(upstream, status, finding):
    """A bad key is told from a dead host; the key goes out, and is shown nowhere."""
    upstream.status = status
    keyed = at(upstream.base, headers=(("authorization", "Bearer sk-secret"),))

    found = await look_once(keyed)

    assert finding is found.finding
    assert "authorization: Bearer sk-secret" in upstream.seen[0]
    assert "sk-secret" not in repr(found) + repr(keyed)


async def test_a_connection_that_is_refused(free_port):
    found = await look_once(at(f"http://127.0.0.1:{free_port()}"))

    assert (Finding.CONNECTION, None) == (found.finding, found.latency_s)
    assert "no connection: Connection refused" == found.detail


async def test_a_name_that_does_not_resolve():
    found = await look_once(at("http://nowhere.invalid/v1"))

    assert Finding.DNS is found.finding
    assert "the name does not resolve" in found.detail


async def test_a_timeout(upstream):
    upstream.delay_s = 30.0

    found = await look_once(at(upstream.base), timeout_s=0.3)

    assert (Finding.TIMEOUT, "no answer within 0.3 s (http)") == (found.finding, found.detail)


async def test_something_that_does_not_speak_http(upstream):
    upstream.raw = b"220 mail.example ESMTP\r\n"

    assert Finding.PROTOCOL is (await look_once(at(upstream.base))).finding


async def test_a_connection_that_breaks(upstream):
    upstream.raw = b""

    assert Finding.PROTOCOL is (await look_once(at(upstream.base))).finding


async def test_tls(tls_upstream, certificate):
    found = await look_once(at(tls_upstream.base, verify=str(certificate[0])))

    assert Finding.OK is found.finding
    assert found.phases.tls_s > 0


async def test_a_name_in_tls_and_host(tls_upstream, certificate):
    """The address is pinned after the look-up, yet the certificate must be the name's."""
    base = f"https://localhost:{tls_upstream.port}"

    found = await look_once(at(base, verify=str(certificate[0])))

    assert Finding.OK is found.finding
    assert found.phases.dns_s is not None
    assert f"Host: localhost:{tls_upstream.port}\r\n" in tls_upstream.seen[0]


async def test_a_certificate_that_nobody_vouches_for(tls_upstream):
    found = await look_once(at(tls_upstream.base))

    assert Finding.TLS is found.finding
    assert "TLS fails: self-signed certificate" == found.detail


async def test_certificates_are_not_checked_where_litellm_does_not(tls_upstream):
    assert Finding.OK is (await look_once(at(tls_upstream.base, verify=False))).finding


async def test_plain_http_where_tls_is_expected(upstream):
    base, upstream.speaks_first = upstream.base.replace("http:", "https:"), True

    assert Finding.TLS is (await look_once(at(base))).finding


async def test_a_bundle_that_is_lost(upstream):
    """That is our trouble, not the provider's."""
    found = await look_once(at(upstream.base, verify="/no/such/bundle.pem"))

    assert (Finding.UNKNOWN, []) == (found.finding, upstream.seen)


async def test_no_redirect_is_followed(upstream, free_port):
    with Upstream(port=0) as elsewhere:
        upstream.status = 302
        upstream.location = f"Location: {elsewhere.base}/admin\r\n"

        found = await look_once(at(upstream.base))

        assert (Finding.OK, 302) == (found.finding, found.status_code)
        assert [] == elsewhere.seen


async def test_one_lost_packet_is_no_outage(upstream):
    """A failure is looked at twice in the same round, an answer once."""
    upstream.fail_first = 1

    assert Finding.OK is (await look_once(at(upstream.base))).finding
    assert 2 == len(upstream.seen)


async def test_an_address_is_asked_once_for_all_its_deployments(upstream):
    manner = Manner(timeout_s=2.0, clock=lambda: NOW)
    targets = [at(upstream.base, name) for name in "abc"]

    (shared,) = await probe_all(targets, manner)

    assert ("dep-a", "dep-b", "dep-c") == shared.deployments
    assert 1 == len(upstream.seen)


async def test_other_keys_are_asked_apart(upstream):
    keys = [at(upstream.base, n, headers=(("authorization", f"Bearer {n}"),)) for n in "ab"]

    assert 2 == len(await look(*keys))


async def test_a_deployment_without_an_address_is_not_asked():
    assert [] == await look(Target(deployment=deployment(), problem="unknown"))


async def test_a_few_at_a_time(upstream):
    """Forty addresses take five turns of the same delay, not forty and not one."""
    upstream.delay_s = 0.1
    loop = asyncio.get_running_loop()
    began_s = loop.time()

    found = await look(*(at(f"{upstream.base}/{n}", str(n)) for n in range(5 * CONCURRENCY)))

    assert 5 * CONCURRENCY == len(found)
    assert 0.5 <= loop.time() - began_s < 2.5


async def test_tcp_alone(upstream, free_port):
    found = await look_once(at(upstream.base), tcp_only=True)

    assert (Finding.OK, None) == (found.finding, found.status_code)
    assert found.latency_s > 0
    refused = await look_once(at(f"http://127.0.0.1:{free_port()}"), tcp_only=True)
    assert Finding.CONNECTION is refused.finding


async def test_through_an_egress_proxy(upstream, monkeypatch):
    """The proxy looks the name up, so ours does not have to."""
    monkeypatch.setenv("HTTP_PROXY", upstream.base)

    found = await look_once(at("http://inner.invalid/v1"))

    assert (Finding.OK, None) == (found.finding, found.phases.dns_s)
    assert upstream.seen[0].startswith("GET http://inner.invalid/v1/models HTTP/1.1")


async def test_an_egress_proxy_that_refuses(upstream, monkeypatch):
    upstream.status = 407
    monkeypatch.setenv("HTTPS_PROXY", upstream.base)
    monkeypatch.setenv("HTTP_PROXY", upstream.base)

    plain = await look_once(at("http://inner.invalid/v1"))
    tunnel = await look_once(at("https://inner.invalid/v1"))

    assert [Finding.PROXY] * 2 == [plain.finding, tunnel.finding]


async def test_an_egress_proxy_hides_what_tcp_could_tell(upstream, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", upstream.base)

    found = await look_once(at("http://inner.invalid/v1"), tcp_only=True)

    assert (Finding.UNKNOWN, []) == (found.finding, upstream.seen)


async def test_an_egress_proxy_that_we_cannot_speak_to(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "gopher://proxy.example:70")

    assert Finding.UNKNOWN is (await look_once(at("http://inner.invalid/v1"))).finding


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, "https://a.example", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://a.example", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "http://a.example", None),
        ({"all_proxy": "p:1"}, "http://a.example", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example"}, "https://a.example/v1", None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": ".example"}, "https://a.example:8443", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "b.example"}, "https://a.example", "http://p:1"),
    ],
)
def test_which_egress_proxy(environ, url, proxy, monkeypatch):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert proxy == proxy_for(url)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://api.example/v1/", "https://api.example/v1"),
        ("https://user:word@api.example:8443/v1?key=word#x", "https://api.example:8443/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        (" https://api.example ", "https://api.example"),
        ("localhost:8000", None),
        ("ftp://api.example", None),
        ("https://", None),
        ("https://api.example:port", None),
        ("http://[::1", None),
        ("", None),
    ],
)
def test_addresses_are_shown_without_secrets(text, clean):
    assert clean == clean_url(text)


async def test_addresses_of_a_name():
    import httpx

    watch = Stopwatch()

    assert "127.0.0.1" in await resolve(httpx.URL("http://localhost:80"), watch)
    assert watch.phases().dns_s is not None
    assert ["::1"] == await resolve(httpx.URL("http://[::1]:80"), watch)


async def test_an_address_that_does_not_answer_does_not_hide_the_next(upstream, monkeypatch):
    """A name with an address where nobody listens, before one where somebody does."""

    async def two(*_, **__):
        return [
            (socket.AF_INET, 0, 0, "", (ip, upstream.port)) for ip in ("127.0.0.2", "127.0.0.1")
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two, raising=False)

    for tcp_only in (False, True):
        found = await look_once(at("http://two.invalid:" + str(upstream.port)), tcp_only=tcp_only)
        assert Finding.OK is found.finding


def test_contexts_are_made_once():
    assert context_for(True) is context_for(True)
