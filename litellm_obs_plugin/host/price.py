"""What a request cost, by component, and how sure that is.

LiteLLM's ``cost_breakdown`` overlaps (input includes cache reads and writes, output includes
reasoning); here the components are disjoint and sum to ``response_cost``.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from litellm_obs_plugin.host.payload import mapping, read_tokens
from litellm_obs_plugin.record import Cost, CostStatus, Tokens

PriceOf = Callable[[str], Mapping[str, Any]]

_PRICE_FIELDS = (
    *("input_cost_per_token", "output_cost_per_token", "input_cost_per_second"),
    *("output_cost_per_second", "input_cost_per_query", "input_cost_per_character"),
    *("output_cost_per_image", "input_cost_per_image", "input_cost_per_pixel"),
    *("output_cost_per_character", "tiered_pricing", "ocr_cost_per_page"),
)


def read_cost(payload: Mapping[str, Any], *, estimated: bool, price_of: PriceOf) -> Cost:
    """The cost in a standard logging payload.

    LiteLLM says 0.0 for a free model and for one it has no price for; *price_of* (its price map)
    tells them apart.
    """
    total = _dollars(payload.get("response_cost"))
    if total is None or payload.get("response_cost_failure_debug_info"):
        return _unpriced("lookup_failed")
    if total == 0 and not _has_price(payload, price_of):
        return _unpriced("no_price")
    if total == 0 and not _has_usage(payload):
        return _unpriced("no_usage")
    breakdown = mapping(payload.get("cost_breakdown"))
    return Cost(
        status=CostStatus.ESTIMATED if estimated else CostStatus.PRICED,
        total_usd=total,
        components_usd=_components(breakdown, total),
        adds_up=_adds_up(breakdown, total),
    )


def price_tokens(tokens: Tokens, price: Mapping[str, Any]) -> float | None:
    """US dollars of *tokens* by an entry of LiteLLM's price map; None when it has no such price.

    Long-context tiers and discounts are left out: this is about what a first choice would cost.
    """
    plain, answered = (_dollars(price.get(f"{s}_cost_per_token")) for s in ("input", "output"))
    if plain is None:
        return None
    read = _dollars(price.get("cache_read_input_token_cost"))
    written = _dollars(price.get("cache_creation_input_token_cost"))
    reasoned = _dollars(price.get("output_cost_per_reasoning_token"))
    output_usd = answered if answered is not None else 0.0
    return math.fsum(
        (
            tokens.input * plain,
            tokens.cached_input * (plain if read is None else read),
            tokens.cache_write * (plain if written is None else written),
            tokens.output * output_usd,
            tokens.reasoning * (output_usd if reasoned is None else reasoned),
        )
    )


def _unpriced(reason: str) -> Cost:
    return Cost(status=CostStatus.UNPRICED, total_usd=None, unpriced_reason=reason)


def _components(breakdown: Mapping[str, Any], total: float) -> dict[str, float]:
    def part(name: str) -> float:
        return _dollars(breakdown.get(name)) or 0.0

    cache_read, reasoning = part("cache_read_cost"), part("reasoning_cost")
    cache_write = part("cache_creation_cost")
    parts = {
        "input": max(part("input_cost") - cache_read - cache_write, 0.0),
        "cache_read": cache_read,
        "cache_write": cache_write,
        "output": max(part("output_cost") - reasoning, 0.0),
        "reasoning": reasoning,
        "tool": part("tool_usage_cost"),
    }
    known = math.fsum(parts.values())
    if known > total:  # a discount: shared out, so that no component is negative
        parts = {name: usd * (total / known) for name, usd in parts.items()}
    else:
        parts["other"] = total - known if total - known > 1e-9 * total else 0.0
    return {name: usd for name, usd in parts.items() if usd or name == "input"}


def _adds_up(breakdown: Mapping[str, Any], total: float) -> bool:
    """Whether LiteLLM's parts, discount and margin make up its total, within 1 %."""
    names = ("input_cost", "output_cost", "tool_usage_cost", "margin_total_amount")
    parts = math.fsum(_dollars(breakdown.get(name)) or 0.0 for name in names)
    parts -= _dollars(breakdown.get("discount_amount")) or 0.0
    return not breakdown or math.isclose(parts, total, rel_tol=0.01, abs_tol=1e-12)


def _has_usage(payload: Mapping[str, Any]) -> bool:
    """LiteLLM says nothing but zeros of a stream whose usage it was not told and did not count."""
    return read_tokens(payload) is not None


def _has_price(payload: Mapping[str, Any], price_of: PriceOf) -> bool:
    information = mapping(payload.get("model_map_information"))
    found = mapping(information.get("model_map_value"))
    if any(found.get(name) for name in _PRICE_FIELDS):  # of an unknown model it says 0
        return True
    keys = (information.get("model_map_key"), payload.get("model_id"), payload.get("model"))
    return any(
        price_of(key).get(name) is not None
        for key in keys
        if isinstance(key, str) and key
        for name in _PRICE_FIELDS
    )


def _dollars(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) and value >= 0 else None
    return None
