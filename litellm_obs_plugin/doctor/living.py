"""A running proxy, as it answers."""

from collections.abc import Iterator
from typing import Any

import httpx

from litellm_obs_plugin.doctor.finding import Finding, Level, fail, ok, warn
from litellm_obs_plugin.health.target import clean_url
from litellm_obs_plugin.host.payload import mapping, text

_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _UNAVAILABLE = 200, 401, 403, 404, 503
_REFUSED = (_UNAUTHORIZED, _FORBIDDEN)
_LEVELS = {"healthy": Level.OK, "degraded": Level.WARN, "unhealthy": Level.FAIL}


def check_proxy(url: str, key: str | None) -> Iterator[Finding]:
    """What *url* says with *key*, and what it says to strangers."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=url, timeout=10, follow_redirects=True) as client:
        try:
            yield from _check_page(client, headers)
            yield from _check_health(client.get("/health/gateway", headers=headers))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            told = f"{clean_url(url) or 'the address'} does not answer: {type(error).__name__}"
            yield fail("proxy", told, "start it, or check --url")


def _check_page(client: httpx.Client, headers: dict[str, str]) -> Iterator[Finding]:
    stranger = client.get("/metrics").status_code
    if stranger == _OK:
        told = "/metrics answers without a key"
        yield warn("metrics page", told, "set a master key, or let only Prometheus reach it")
    if not headers:
        if stranger != _OK:
            yield ok("metrics page", f"strangers get {stranger}; not asked with a key (--key)")
        return
    asked = client.get("/metrics", headers=headers).status_code
    if asked == _OK:
        yield ok("metrics page", "answers to the key")
    elif asked in _REFUSED:
        remedy = "use a key of require_role, or put /metrics into the key's allowed_routes"
        yield fail("metrics page", f"refuses the key ({asked})", remedy)
    else:
        yield fail("metrics page", f"answers {asked}", "see the proxy's log for litellm_obs")


def _check_health(answer: httpx.Response) -> Iterator[Finding]:
    if answer.status_code in _REFUSED:
        told = f"/health/gateway refuses the key ({answer.status_code})"
        yield fail("proxy", told, "give --key, or LITELLM_MASTER_KEY")
        return
    if answer.status_code == _NOT_FOUND:
        remedy = "see its log for 'litellm_obs is off'; is the callback in its configuration?"
        yield fail("proxy", "runs without the plugin", remedy)
        return
    if answer.status_code not in (_OK, _UNAVAILABLE):
        yield fail("proxy", f"/health/gateway answers {answer.status_code}", "see the proxy's log")
        return
    report = _read(answer)
    if "components" not in report:
        yield fail("proxy", "/health/gateway gives no report", "is --url the proxy's address?")
        return
    components = dict(mapping(report.get("components")))
    providers = mapping(components.pop("providers", None))
    parts = {**components, **{f"provider {name}": one for name, one in providers.items()}}
    for name, part in parts.items():
        yield _of_part(name, mapping(part))


def _of_part(name: str, part: Any) -> Finding:
    status = text(part.get("status")) or "unknown"
    level = _LEVELS.get(status, Level.WARN)
    message = text(part.get("message"))
    remedy = "" if level is Level.OK else "see docs/troubleshooting.md"
    told = f"{status}: {message}" if message else status
    return Finding(subject=f"running: {name}", level=level, message=told, remedy=remedy)


def _read(answer: httpx.Response) -> Any:
    try:
        return mapping(answer.json())
    except ValueError:
        return {}
