"""LiteLLM's table of finished requests, as its own migrations make it, and rows for it."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import litellm_proxy_extras
import psycopg

MIGRATIONS = Path(litellm_proxy_extras.__path__[0]) / "migrations"
_OURS = re.compile(r'^(CREATE|ALTER) TABLE\s+(IF (NOT )?EXISTS\s+)?"LiteLLM_SpendLogs"')

MODELS = {
    "gpt-4o-mini": ("openai", "chat"),
    "claude-sonnet-4-5": ("anthropic", "claude"),
    "mistral-large-latest": ("mistral", "backup"),
}
TEAMS = {"t-1": "search", "t-2": "billing", None: None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row, and what is to come of it."""

    started_at: float
    ended_at: float
    first_at: float | None
    model: str
    team: str | None
    key: str | None
    tags: tuple[str, ...]
    usd: float
    prompt: int
    cached: int
    completion: int
    outcome: str

    @property
    def tokens(self) -> int:
        """Those that a deployment was asked for: also of an answer that broke off."""
        was_called = self.outcome in ("success", "error")
        return self.prompt + self.completion if was_called else 0


def make_table(address: str) -> None:
    """With all columns that the newest LiteLLM has."""
    with psycopg.connect(address, autocommit=True) as connection:
        for path in sorted(MIGRATIONS.glob("*/migration.sql")):
            text = re.sub(r"^\s*--.*$", "", path.read_text(), flags=re.MULTILINE)
            for statement in text.split(";"):
                if _OURS.match(statement.strip()):
                    connection.execute(statement)
        connection.execute('CREATE INDEX ON "LiteLLM_SpendLogs" ("startTime")')


def generate(chance: random.Random, *, start: float, end: float, count: int) -> list[Line]:
    """Requests that ended between *start* and *end*, whole milliseconds."""
    lines = []
    for _ in range(count):
        ended_at = round(chance.uniform(start, end), 3)
        duration_s = round(min(chance.lognormvariate(0, 1), 900), 3)
        started_at = round(ended_at - duration_s, 3)
        streamed = duration_s > 0.1 and chance.random() < 0.5
        outcome = chance.choices(["success", "error", "rejected", "cache_hit"], [90, 4, 3, 3])[0]
        prompt, ok = chance.randrange(1, 3000), outcome == "success"
        lines.append(
            Line(
                started_at=started_at,
                ended_at=ended_at,
                first_at=round(started_at + duration_s / 3, 3) if streamed and ok else None,
                model=chance.choice(list(MODELS)),
                team=chance.choice(list(TEAMS)),
                key=chance.choice(["ci", "app", None]),
                tags=tuple(chance.sample(["prod", "batch", "eval"], chance.randrange(3))),
                usd=chance.expovariate(100) if ok else 0.0,
                prompt=prompt,
                cached=chance.randrange(prompt) if chance.random() < 0.3 else 0,
                completion=chance.randrange(1, 900),
                outcome=outcome,
            )
        )
    return lines


def insert(address: str, lines: list[Line], *, prefix: str = "r") -> None:
    names = (
        *("request_id", "call_type", "api_key", "spend", "total_tokens", "prompt_tokens"),
        *("completion_tokens", "startTime", "endTime", "completionStartTime", "model", "model_id"),
        *("model_group", "custom_llm_provider", "metadata", "cache_hit", "request_tags"),
        *("team_id", "status"),
    )
    columns = ", ".join(f'"{name}"' for name in names)
    query = f'COPY "LiteLLM_SpendLogs" ({columns}) FROM STDIN'
    with (
        psycopg.connect(address) as connection,
        connection.cursor() as cursor,
        cursor.copy(query) as copy,
    ):
        for number, line in enumerate(lines):
            copy.write_row(_row(line, f"{prefix}-{number}"))


def _row(line: Line, request_id: str) -> tuple[Any, ...]:
    provider, group = MODELS[line.model]
    rejected, ok = line.outcome == "rejected", line.outcome == "success"
    code = "401" if rejected else "500"
    metadata = {
        "status": "success" if ok or line.outcome == "cache_hit" else "failure",
        "user_api_key_alias": line.key,
        "user_api_key_team_id": line.team,
        "user_api_key_team_alias": TEAMS[line.team],
        "usage_object": {
            "prompt_tokens": line.prompt,
            "completion_tokens": line.completion,
            "prompt_tokens_details": {"cached_tokens": line.cached},
        },
        "cost_breakdown": {"input_cost": line.usd * 0.4, "output_cost": line.usd * 0.6},
        "error_information": {"error_code": code} if line.outcome in ("error", "rejected") else {},
    }
    return (
        *(request_id, "acompletion", "hash", line.usd, line.prompt + line.completion),
        *(line.prompt, line.completion, _utc(line.started_at), _utc(line.ended_at)),
        _utc(line.first_at if line.first_at is not None else line.ended_at),
        *(line.model, "" if rejected else f"id-{line.model}", group, provider),
        *(json.dumps(metadata), str(line.outcome == "cache_hit"), json.dumps(line.tags)),
        *(line.team, metadata["status"]),
    )


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
