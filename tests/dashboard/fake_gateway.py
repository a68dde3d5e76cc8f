"""What a gateway with history answers, by the contract of its JSON."""

from datetime import UTC, datetime, timedelta

from dashboard_app.client import MetricsError, Reading
from dashboard_app.view import View

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LATENCY = {"p50": 462.0, "p95": 1210.0, "p99": 2060.0, "average": 600.0}


def metrics(*, requests: int = 17_100, errors: int = 298, history: bool = True) -> dict:
    good = requests - errors
    body = {
        "schemaVersion": 1,
        "requests": {
            "total": requests,
            "success": good,
            "error": errors,
            "byModel": {"chat": requests},
            "byProvider": {"openai": requests},
            "successRate": good / requests if requests else None,
        },
        "latency": LATENCY,
        "costs": {
            "total": 100.39,
            "byModel": {"gpt-4o": 100.39},
            "byProvider": {"openai": 100.39},
            "byTeam": {},
            "byKey": {},
            "byTag": {},
        },
        "tokens": {"input": 19_800_000, "output": 5_330_000, "total": 25_130_000},
        "providers": {
            "groq": {"status": "healthy", "lastCheck": NOW.isoformat(), "latency": 80.0},
            "openai": {"status": "degraded", "lastCheck": NOW.isoformat(), "latency": 462.0},
        },
        "window": {"start": NOW.isoformat(), "basis": "since_start"},
        "models": [model("gpt-4o", cost=100.39), model("<b>evil</b>", cost=None)],
        "circuits": [{"provider": "openai", "state": "open"}],
        "rates": {"requestsPerSecond": 4.3, "costPerHour": 100.39, "tokensPerSecond": None},
        "errors": {"byType": {"timeout": errors}, "bySource": {}},
        "tokensByType": {"input": 19_800_000, "output": 5_330_000},
        "failover": {"total": 3},
    }
    if history:
        body["window"]["basis"] = "history"
        body["history"] = past()
        body["change"] = {"successRate": {"previous": 0.99, "ratio": -0.0135}}
    return body


def model(name: str, *, cost: float | None) -> dict:
    return {
        "model": name,
        "provider": "openai",
        "requests": 100,
        "successRate": 0.95,
        "errors": 5,
        "latency": LATENCY,
        "ttft": {**LATENCY, "p50": None},
        "tokensPerSecond": None,
        "tokens": {"input": 1, "output": 2, "total": 3},
        "costs": cost,
        "costPer1kTokens": None,
        "costPerRequest": None,
        "errorRateInterval": [0.021, 0.112],
    }


def past(*, steps: int = 90, step_s: int = 10) -> dict:
    start = NOW - timedelta(seconds=steps * step_s)
    wave = [float(40 + i % 7) for i in range(steps)]
    gap = [*wave[:30], None, None, *wave[32:]]
    return {
        "stepSeconds": step_s,
        "t": [(start + timedelta(seconds=i * step_s)).isoformat() for i in range(steps)],
        "requests": gap,
        "errors": [None if v is None else 1.0 for v in gap],
        "errorsByType": {"timeout": [1.0] * steps},
        **dict.fromkeys(("p50", "p95", "p99", "costUsd", "tokensIn", "tokensOut"), wave),
        "tokensByType": {"input": wave, "output": wave},
        "byModel": {f"m{i}": {"costUsd": [float(i)] * steps} for i in range(7)},
        "byProvider": {},
    }


class FakeGateway:
    """Answers with *body*, or fails with *error*; counts how often it was asked."""

    def __init__(self, body: dict | None = None) -> None:
        self.body = body or metrics()
        self.error: str | None = None
        self.asked = 0

    async def read(self, view: View) -> Reading:
        self.asked += 1
        if self.error is not None:
            raise MetricsError(self.error)
        deployment = {"deployment": "d1", "modelGroup": "chat", "provider": "openai"}
        change = {**deployment, "state": "open", "reason": "cooldown", "time": NOW.isoformat()}
        failed = {
            "id": "r-1",
            "time": NOW.isoformat(),
            "modelGroup": "chat",
            "provider": "openai",
            "outcome": "error",
            "error": {"type": "timeout", "message": "<script>alert(1)</script>"},
            "latency": {"totalMs": 900.0, "queueMs": 1.0, "backoffMs": 99.0},
            "attempts": [
                {**deployment, "model": "gpt-4o", "ms": 500.0, "error": "timeout"},
                {**deployment, "model": "gpt-4o", "ms": 300.0, "error": None},
            ],
            "costUsd": None,
            "traceUrl": "javascript:alert(1)",
        }
        return Reading(
            metrics=self.body,
            circuits={"circuits": [{**deployment, "state": "open"}], "changes": [change]},
            failed=[failed],
        )
