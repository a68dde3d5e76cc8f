"""LiteLLM's own book, where it has a database: the table of its spend log."""

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from litellm_obs_plugin.host.payload import mapping, text

QUERY = """
SELECT to_char("startTime", 'YYYY-MM-DD') AS day, model, custom_llm_provider AS provider,
       SUM(spend)::double precision AS usd
FROM "LiteLLM_SpendLogs"
WHERE "startTime" >= $1::timestamp AND "startTime" < $2::timestamp
GROUP BY 1, 2, 3
HAVING SUM(spend) <> 0
"""


def has_database() -> bool:
    """Whether the proxy keeps a spend log."""
    return _client() is not None


async def read_spend(days: Sequence[str]) -> dict[tuple[str, str], float]:
    """US dollars by day (UTC) and model, without the provider's prefix.

    Raises:
        Exception: whatever the database's client raises.
    """
    after = date.fromisoformat(days[-1]) + timedelta(days=1)
    rows = await _client().db.query_raw(QUERY, days[0], after.isoformat())
    found: dict[tuple[str, str], float] = {}
    for row in rows:
        told = mapping(row)
        model, provider = text(told.get("model")) or "unknown", text(told.get("provider"))
        cell = (str(told.get("day")), model.removeprefix(f"{provider}/"))
        found[cell] = found.get(cell, 0.0) + float(told.get("usd") or 0.0)
    return found


def _client() -> Any:
    return getattr(sys.modules.get("litellm.proxy.proxy_server"), "prisma_client", None)
