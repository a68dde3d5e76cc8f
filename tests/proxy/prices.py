"""What a call should cost, computed from the price list and the simulator's own count of tokens."""

from __future__ import annotations

import importlib.util
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

OWN_PRICE = {"input_cost_per_token": 2.5e-7, "output_cost_per_token": 1.25e-6}


@cache
def _price_list() -> dict[str, Any]:
    package = importlib.util.find_spec("litellm")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).with_name("model_prices_and_context_window_backup.json")
    return json.loads(path.read_text())


def price_of(model: str) -> dict[str, float]:
    return _price_list()[model]


def components(call: dict[str, Any], price: dict[str, float]) -> dict[str, float]:
    """US dollars by component for one call of the simulator's ledger."""
    plain = call["input_tokens"] - call["cached_tokens"] - call["cache_write_tokens"]
    given, answered = price["input_cost_per_token"], price["output_cost_per_token"]
    usd = {
        "input": plain * given,
        "cache_read": call["cached_tokens"] * price.get("cache_read_input_token_cost", given),
        "cache_write": call["cache_write_tokens"]
        * price.get("cache_creation_input_token_cost", given),
        "output": (call["output_tokens"] - call["reasoning_tokens"]) * answered,
        "reasoning": call["reasoning_tokens"]
        * price.get("output_cost_per_reasoning_token", answered),
    }
    return {name: value for name, value in usd.items() if value}


def total(calls: list[dict[str, Any]], price: dict[str, float]) -> float:
    return math.fsum(usd for call in calls for usd in components(call, price).values())
