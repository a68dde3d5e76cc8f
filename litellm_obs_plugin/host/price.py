"""What a request cost, by component, and how sure that is.

LiteLLM's ``cost_breakdown`` overlaps (input includes cache reads and writes, output includes
reasoning); here the components are disjoint and sum to ``response_cost``.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from litellm_obs_plugin.host.payload import mapping, read_tokens
from litellm_obs_plugin.host.payload import seconds as _dollars  # the same rule
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
    breakdown = payload.get("cost_breakdown")
    components_usd, adds_up = _take_apart(mapping(breakdown), total)
    return Cost(
        status=CostStatus.ESTIMATED if estimated else CostStatus.PRICED,
        total_usd=total,
        components_usd=components_usd,
        adds_up=adds_up,
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


def _take_apart(told: Mapping[str, Any], total: float) -> tuple[dict[str, float], bool]:
    """Disjoint components that sum to *total*; whether LiteLLM's parts make it up, within 1 %."""
    input_usd = _dollars(told.get("input_cost")) or 0.0
    output_usd = _dollars(told.get("output_cost")) or 0.0
    tool = _dollars(told.get("tool_usage_cost")) or 0.0
    cache_read = _dollars(told.get("cache_read_cost")) or 0.0
    cache_write = _dollars(told.get("cache_creation_cost")) or 0.0
    reasoning = _dollars(told.get("reasoning_cost")) or 0.0
    plain = input_usd - cache_read - cache_write
    parts = {"input": plain if plain > 0 else 0.0}
    if cache_read:
        parts["cache_read"] = cache_read
    if cache_write:
        parts["cache_write"] = cache_write
    if output_usd > reasoning:
        parts["output"] = output_usd - reasoning
    if reasoning:
        parts["reasoning"] = reasoning
    if tool:
        parts["tool"] = tool
    known = math.fsum(parts.values())
    if known > total:  # a discount: shared out, so that no component is negative
        parts = {name: usd * (total / known) for name, usd in parts.items()}
    elif total - known > 1e-9 * total:
        parts["other"] = total - known
    return parts, not told or _adds_up(told, total, input_usd + output_usd + tool)


def _adds_up(told: Mapping[str, Any], total: float, parts_usd: float) -> bool:
    margin = _dollars(told.get("margin_total_amount")) or 0.0
    discount = _dollars(told.get("discount_amount")) or 0.0
    return math.isclose(parts_usd + margin - discount, total, rel_tol=0.01, abs_tol=1e-12)


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
