"""The response headers that tell a caller what its request took until the answer began."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from litellm_obs_plugin.host import payload
from litellm_obs_plugin.host.answers import Answers
from litellm_obs_plugin.host.details import Describer
from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.host.trace import trace_id_of
from litellm_obs_plugin.host.tracker import Tracker
from litellm_obs_plugin.record import Attempt, Outcome, Tokens, backoff_between

_ONE_TOKEN = Tokens(input=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderWriter:
    """Reads what is known when an answer starts. *clock* is seconds since the epoch."""

    tracker: Tracker
    answers: Answers
    directory: Directory
    clock: Callable[[], float]
    describer: Describer | None = None

    def write(self, data: Mapping[str, Any], response: Any) -> dict[str, str]:
        """The headers for the request *data*; *response* is None when it failed."""
        call_id = payload.call_id_of(data)
        if call_id is None:
            return {}
        received_at = payload.received_at_of(data)
        attempts = self._attempts(call_id, received_at)
        headers = {
            "x-gateway-request-id": call_id,
            "x-gateway-trace-id": self._trace_id(data, call_id, received_at),
            "x-gateway-attempts": str(len(attempts)),
            "x-gateway-failovers": str(_failovers(attempts, data, response)),
        }
        if attempts:
            last = attempts[-1].deployment
            headers |= {"x-gateway-provider": last.provider, "x-gateway-model": last.model}
        cost_usd = self._cost_usd(data, response, attempts)
        if cost_usd is not None:
            headers["x-gateway-cost-usd"] = f"{cost_usd:.12g}"
        if received_at is not None:
            headers["server-timing"] = self._timing(data, received_at, attempts)
        return {name: value for name, value in headers.items() if _can_be_sent(value)}

    def _trace_id(self, data: Mapping[str, Any], call_id: str, received_at: float | None) -> str:
        """The finished request's, if it has ended: it knows more."""
        finished = self.answers.get((call_id, received_at)) if received_at is not None else None
        if finished is not None and finished.trace_id is not None:
            return finished.trace_id
        joined = self.describer is not None and self.describer.joins(data)
        return trace_id_of(data, call_id=call_id, joined=joined)

    def _attempts(self, call_id: str, received_at: float | None) -> tuple[Attempt, ...]:
        known = self.tracker.attempts((call_id, received_at))
        if known or received_at is None:
            return known
        finished = self.answers.get((call_id, received_at))
        return finished.attempts if finished is not None else ()

    def _cost_usd(
        self, data: Mapping[str, Any], response: Any, attempts: tuple[Attempt, ...]
    ) -> float | None:
        """None when it is not known yet (streams), or not at all (failures, no price).

        The answers of /v1/messages are plain dictionaries, whose cost comes after them.
        """
        if response is None or data.get("stream") or not attempts or isinstance(response, Mapping):
            return None
        if _is_cached(response, attempts[-1]):
            return 0.0
        hidden = payload.mapping(getattr(response, "_hidden_params", None))
        details = getattr(data.get("litellm_logging_obj"), "model_call_details", None)
        usd = payload.seconds(hidden.get("response_cost"))
        if usd is None:
            usd = payload.seconds(payload.mapping(details).get("response_cost"))
        if usd == 0 and self.directory.price_tokens(attempts[-1].deployment, _ONE_TOKEN) is None:
            return None
        return usd

    def _timing(
        self, data: Mapping[str, Any], received_at: float, attempts: tuple[Attempt, ...]
    ) -> str:
        """W3C Server-Timing, milliseconds until now; a running attempt counts until now."""
        now = self.clock()
        queue_s = payload.seconds(payload.metadata_of(data).get("queue_time_seconds")) or 0.0
        provider_s = sum(
            a.duration_s if a.duration_s is not None else max(now - a.started_at, 0.0)
            for a in attempts
        )
        backoff_s = backoff_between(attempts)
        gateway_s = max(now - received_at - provider_s - queue_s - backoff_s, 0.0)
        parts = {"provider": provider_s, "gateway": gateway_s, "queue": queue_s}
        if backoff_s:
            parts["backoff"] = backoff_s
        return ", ".join(f"{name};dur={1000 * part:.1f}" for name, part in parts.items())


def _can_be_sent(value: str) -> bool:
    """A header is one line of Latin-1; LiteLLM would answer 500 for any other."""
    return value.isascii() and value.isprintable()


def _failovers(attempts: tuple[Attempt, ...], data: Mapping[str, Any], response: Any) -> int:
    """Also those from a group that was not even tried, which LiteLLM's own count tells of."""
    groups = [a.deployment.model_group for a in attempts]
    changes = sum(a != b for a, b in pairwise(groups))
    hidden = payload.mapping(getattr(response, "_hidden_params", None))
    told = payload.mapping(hidden.get("additional_headers")).get("x-litellm-attempted-fallbacks")
    hops = (payload.metadata_of(data).get("attempted_fallbacks"), told)
    return max(changes, *(hop for hop in hops if isinstance(hop, int)), 0)


def _is_cached(response: Any, last: Attempt) -> bool:
    hidden = payload.mapping(getattr(response, "_hidden_params", None))
    return hidden.get("cache_hit") is True or last.outcome is not Outcome.SUCCESS
