"""The types of the health report, as promised to those who read it, in JSON Schema.

interface HealthCheckResponse {
  status: 'healthy'|'unhealthy'|'degraded'; timestamp: string; version: string;
  components: { langfuse: ComponentHealth; providers: Record<string, ComponentHealth>;
                metrics; history; circuits; host: ComponentHealth };
  metrics: { uptime: number; requestCount: number; averageLatency: number };
}
interface ComponentHealth { status; latency?: number; lastCheck?: string; message?: string;
  signals?: { traffic?; circuit?; probe?; background? }; deployments?: ComponentHealth[] }
"""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator, FormatChecker

from litellm_obs_plugin.health.report import HealthCheckResponse, HostHealthResponse

_STATUS = {"enum": ["healthy", "unhealthy", "degraded"]}
_TIME = {"type": "string", "format": "date-time", "pattern": r"T.*(Z|\+00:00)$"}
_PART = {"$ref": "#/$defs/component"}
_SIGNAL = {"type": "object", "properties": {"status": _STATUS, "message": {"type": "string"}}}
_COMPONENT = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": _STATUS,
        "latency": {"type": "number", "minimum": 0},
        "lastCheck": _TIME,
        "message": {"type": "string"},
        "signals": {
            "type": "object",
            "properties": dict.fromkeys(("traffic", "circuit", "probe", "background"), _SIGNAL),
            "additionalProperties": False,
        },
        "deployments": {"type": "array", "items": _PART},
    },
}
_FIGURES = ("uptime", "requestCount", "averageLatency")
_PARTS = ("langfuse", "metrics", "history", "circuits", "host")
SCHEMA = {
    "type": "object",
    "required": ["status", "timestamp", "version", "components", "metrics"],
    "properties": {
        "status": _STATUS,
        "timestamp": _TIME,
        "version": {"type": "string"},
        "components": {
            "type": "object",
            "required": [*_PARTS, "providers"],
            "properties": {
                **dict.fromkeys(_PARTS, _PART),
                "providers": {"type": "object", "additionalProperties": _PART},
            },
            "additionalProperties": False,
        },
        "metrics": {
            "type": "object",
            "required": [*_FIGURES],
            "properties": {name: {"type": "number", "minimum": 0} for name in _FIGURES},
        },
    },
    "$defs": {"component": _COMPONENT},
}
_VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
# What the code itself says it answers, which is also what the proxy's OpenAPI shows.
_OWN, _OWN_OF_HOST = (
    Draft202012Validator(
        one.model_json_schema(by_alias=True, mode="serialization"), format_checker=FormatChecker()
    )
    for one in (HealthCheckResponse, HostHealthResponse)
)


def check(answer: bytes | dict) -> dict:
    """The report, if it is one; nowhere in it a null."""
    report = json.loads(answer) if isinstance(answer, bytes) else answer
    _VALIDATOR.validate(report)
    (_OWN_OF_HOST if "healthy_count" in report else _OWN).validate(report)
    assert "null" not in json.dumps(report).replace('"null"', "")
    return report
