"""What Langfuse says that its traces cost, from its metrics API, a page per day."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import httpx

from litellm_obs_plugin.record import Project

PATHS = ("/api/public/v2/metrics", "/api/public/metrics")  # the second one before server 4
ROW_LIMIT = 1000
UNNAMED = "unknown"


class ReadBackError(Exception):
    """Langfuse's cost cannot be read; the message is for people."""


class ReadBack:
    """Reads the cost of one project. Blocks; not for the loop."""

    def __init__(self, *, project: Project, environment: str | None, timeout_s: float) -> None:
        self._environment = environment
        self._client = httpx.Client(
            base_url=project.host or "",
            auth=(project.public_key, project.secret_key),
            timeout=timeout_s,
        )
        self._path = PATHS[0]

    def costs(self, day: str) -> dict[str, float]:
        """US dollars by model of the generations that began on *day* (UTC, ``2026-11-26``).

        Raises:
            ReadBackError: they cannot be read.
        """
        try:
            rows = self._rows({"query": json.dumps(_query(day, self._environment))})
            found: dict[str, float] = {}
            for row in rows:
                model = str(row.get("providedModelName") or UNNAMED)
                usd = float(row.get("sum_totalCost") or 0.0)  # ClickHouse may send it as text
                if usd:
                    found[model] = found.get(model, 0.0) + usd
        except httpx.HTTPError as error:
            msg = f"{type(error).__name__}: {error}"
            raise ReadBackError(msg) from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            msg = f"expected rows of models with their cost, got something else: {error}"
            raise ReadBackError(msg) from error
        return found

    def close(self) -> None:
        self._client.close()

    def _rows(self, query: Mapping[str, str]) -> list[Any]:
        answer = self._client.get(self._path, params=query)
        if answer.status_code == httpx.codes.NOT_FOUND and self._path == PATHS[0]:
            self._path = PATHS[1]
            answer = self._client.get(self._path, params=query)
        if not answer.is_success:
            msg = f"HTTP {answer.status_code} {answer.text[:200]}".strip()
            raise ReadBackError(msg)
        rows = answer.json()["data"]
        if len(rows) >= ROW_LIMIT:
            msg = f"more than {ROW_LIMIT} models on one day"
            raise ReadBackError(msg)
        return list(rows)


def _query(day: str, environment: str | None) -> dict[str, Any]:
    """See Langfuse's documentation of its metrics API."""
    filters = []
    if environment is not None:
        filters.append(
            {"column": "environment", "operator": "=", "value": environment, "type": "string"}
        )
    next_day = date.fromisoformat(day) + timedelta(days=1)
    return {
        "view": "observations",
        "dimensions": [{"field": "providedModelName"}],
        "metrics": [{"measure": "totalCost", "aggregation": "sum"}],
        "filters": filters,
        "fromTimestamp": f"{day}T00:00:00.000Z",
        "toTimestamp": f"{next_day.isoformat()}T00:00:00.000Z",
        "config": {"row_limit": ROW_LIMIT},
    }
