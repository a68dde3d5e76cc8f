"""Tokens and cost in Langfuse's words. Both carry ``total``, or Langfuse makes up its own."""

from litellm_obs_plugin.record import Cost, Tokens

# Langfuse sums what begins with input and what begins with output.
_NAMES = {
    "input": "input",
    "cache_read": "input_cached_tokens",
    "cache_write": "input_cache_creation",
    "output": "output",
    "reasoning": "output_reasoning_tokens",
    "tool": "tool",
    "other": "other",
}


def usage_details(tokens: Tokens) -> dict[str, int]:
    """Disjoint counts by type."""
    usage = {"input": tokens.input, "output": tokens.output}
    if tokens.cached_input:
        usage["input_cached_tokens"] = tokens.cached_input
    if tokens.cache_write:
        usage["input_cache_creation"] = tokens.cache_write
    if tokens.reasoning:
        usage["output_reasoning_tokens"] = tokens.reasoning
    usage["total"] = tokens.total
    return usage


def cost_details(cost: Cost | None) -> dict[str, float]:
    """US dollars by component; 0 when there is no cost, or none is known."""
    if cost is None or cost.total_usd is None:
        return {"total": 0.0}
    parts = {_NAMES.get(name, name): usd for name, usd in cost.components_usd.items()}
    return {**parts, "total": cost.total_usd}
