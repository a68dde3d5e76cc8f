"""The four GenAI histograms of OpenTelemetry, for dashboards made for them; on request only.

Names are as the OTLP exporters of Prometheus write them: dots as underscores, the unit as suffix.
The gateway is the client of the providers: one operation is one attempt. Source: OpenTelemetry
semantic conventions for generative AI metrics (status: development).
"""

from typing import Protocol

from litellm_obs_plugin.metrics.metric import Metric, sketch
from litellm_obs_plugin.metrics.sketch import COUNTS, SECONDS
from litellm_obs_plugin.record import Attempt, Operation, Outcome, Request

_COMMON = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")

TOKEN_USAGE = "gen_ai_client_token_usage"
OPERATION_DURATION = "gen_ai_client_operation_duration_seconds"
TIME_TO_FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds"
TIME_PER_OUTPUT_TOKEN = "gen_ai_server_time_per_output_token_seconds"

GEN_AI: tuple[Metric, ...] = (
    sketch(
        TOKEN_USAGE,
        "OpenTelemetry's gen_ai.client.token.usage: tokens of an attempt.",
        *(*_COMMON, "gen_ai_token_type"),
        domain=COUNTS,
        prefix="",
    ),
    sketch(
        OPERATION_DURATION,
        "OpenTelemetry's gen_ai.client.operation.duration: provider time of an attempt.",
        *(*_COMMON, "error_type"),
        domain=SECONDS,
        prefix="",
    ),
    sketch(
        TIME_TO_FIRST_TOKEN,
        "OpenTelemetry's gen_ai.server.time_to_first_token, as seen from the gateway.",
        *_COMMON,
        domain=SECONDS,
        prefix="",
    ),
    sketch(
        TIME_PER_OUTPUT_TOKEN,
        "OpenTelemetry's gen_ai.server.time_per_output_token, as seen from the gateway.",
        *_COMMON,
        domain=SECONDS,
        prefix="",
    ),
)

_OPERATIONS = {Operation.RESPONSES: "chat", Operation.MESSAGES: "chat"}

# LiteLLM's names where OpenTelemetry's well-known ones differ.
_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}


class Counter(Protocol):
    """Counts by name."""

    def count(self, name: str, *labels: str, value: float = 1.0) -> None: ...


class GenAiMeter:
    """Takes the finished requests."""

    def __init__(self, *, counter: Counter) -> None:
        self._count = counter.count

    def record(self, request: Request) -> None:
        operation = _OPERATIONS.get(request.operation, str(request.operation))
        for attempt in request.attempts:
            provider = attempt.deployment.provider
            labels = (operation, _PROVIDERS.get(provider, provider), attempt.deployment.model)
            self._record(attempt, labels, streamed=request.stream)

    def _record(self, attempt: Attempt, labels: tuple[str, str, str], *, streamed: bool) -> None:
        tokens, duration_s = attempt.tokens, attempt.duration_s
        if tokens is not None:
            for kind, count in (
                ("input", tokens.total - tokens.total_output),
                ("output", tokens.total_output),
            ):
                if count:
                    self._count(TOKEN_USAGE, *labels, kind, value=float(count))
        if duration_s is not None:
            error = str(attempt.failure.error_type) if attempt.failure is not None else ""
            self._count(OPERATION_DURATION, *labels, error, value=duration_s)
        ttft_s = attempt.ttft.value_s if streamed and attempt.ttft is not None else None
        if ttft_s is None or attempt.outcome is not Outcome.SUCCESS:
            return
        self._count(TIME_TO_FIRST_TOKEN, *labels, value=ttft_s)
        if duration_s is not None and tokens is not None and tokens.total_output > 1:
            each_s = max(duration_s - ttft_s, 0.0) / (tokens.total_output - 1)
            self._count(TIME_PER_OUTPUT_TOKEN, *labels, value=each_s)
