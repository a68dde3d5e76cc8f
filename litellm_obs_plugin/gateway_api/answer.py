"""A finished request -> the ``gateway`` object of ``POST /api/llm``. Pure."""

from typing import Literal

from litellm_obs_plugin.gateway_api.models import Model
from litellm_obs_plugin.record import CostStatus, Request


class Timing(Model):
    """Milliseconds. overhead is what neither provider nor queue took."""

    total_ms: float | None
    provider_ms: float | None
    overhead_ms: float | None
    ttft_ms: float | None
    queue_ms: float | None


class AnswerTokens(Model):
    """Tokens of all attempts. input contains cached input, output contains reasoning."""

    input: int
    output: int
    total: int


class GatewayAnswer(Model):
    """What the gateway knows of one request. *pending*: its end was not told in time."""

    request_id: str
    trace_id: str | None = None
    trace_url: str | None = None
    provider: str | None = None
    model: str | None = None
    deployment: str | None = None
    outcome: str | None = None
    attempts: int | None = None
    failovers: int | None = None
    cost_usd: float | None = None
    cost_status: CostStatus | Literal["unknown", "pending"]
    tokens: AnswerTokens | None = None
    timing: Timing | None = None


def build_answer(call_id: str, request: Request | None) -> GatewayAnswer:
    """The object for the request of that id; *request* is None while it has not ended."""
    if request is None:
        return GatewayAnswer(request_id=call_id, cost_status="pending")
    last = request.last_attempt
    return GatewayAnswer(
        request_id=call_id,
        trace_id=request.trace_id,
        trace_url=request.trace_url,
        provider=last.deployment.provider if last is not None else None,
        model=last.deployment.model if last is not None else None,
        deployment=last.deployment.id if last is not None else None,
        outcome=request.outcome,
        attempts=len(request.attempts),
        failovers=len(request.failovers),
        cost_usd=request.cost_usd,
        cost_status=request.cost_status or "unknown",
        tokens=_tokens(request),
        timing=_timing(request),
    )


def _tokens(request: Request) -> AnswerTokens | None:
    known = [a.tokens for a in request.attempts if a.tokens is not None]
    if not known:
        return None
    total, output = sum(t.total for t in known), sum(t.total_output for t in known)
    return AnswerTokens(input=total - output, output=output, total=total)


def _timing(request: Request) -> Timing:
    last = request.last_attempt
    ttft_s = last.ttft.value_s if last is not None and last.ttft is not None else None
    provider_s = request.provider_s if request.attempts else None
    overhead_s = None
    if request.duration_s is not None:
        spent_s = (provider_s or 0.0) + (request.queue_s or 0.0)
        overhead_s = max(request.duration_s - spent_s, 0.0)
    return Timing(
        total_ms=_ms(request.duration_s),
        provider_ms=_ms(provider_s),
        overhead_ms=_ms(overhead_s),
        ttft_ms=_ms(ttft_s),
        queue_ms=_ms(request.queue_s),
    )


def _ms(seconds: float | None) -> float | None:
    return round(seconds * 1000, 3) if seconds is not None else None
