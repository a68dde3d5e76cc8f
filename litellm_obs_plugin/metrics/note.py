"""What the specification says beyond a metric's help: how it is measured, what it leaves out."""

NOTES: dict[str, str] = {
    "requests_total": "Counted once, when the request has ended, also one sent with `no-log`. "
    "LiteLLM's own health checks do not count. A success is recorded within half a second of its "
    "end, and at once when its worker is asked for numbers; `kill -9` loses what a worker had not "
    "recorded yet: 16 successes at most.",
    "request_errors_total": "`source` is `client` for what the caller sent (400, context length, "
    "content policy, refusals), `gateway` when no deployment was left, else `provider`. A caller "
    "who hung up is not an error.",
    "request_duration_seconds": "`endTime` of LiteLLM's payload minus `litellm_received_at`; of "
    "failures, until the failure hook runs. Absent for refusals without a time of receipt.",
    "request_attempts": "Refused requests (`rejected`) do not count; a cached answer counts as 0.",
    "inflight_requests": "From the first call of a deployment to the end of the request.",
    "attempts_total": "A retry, and each hop of a fallback, is an attempt. A translated API "
    "(`/v1/messages` to an OpenAI model) is one attempt although LiteLLM fires its hooks twice.",
    "provider_duration_seconds": "LiteLLM's timing window of the call; of a stream, to its end. "
    "Failed attempts do not count.",
    "time_to_first_token_seconds": "Of `/v1/responses` and `/v1/messages` LiteLLM notes the first "
    "event or the time after it: those streams count in `ttft_invalid_total`.",
    "ttft_invalid_total": "`buffered`: the first token came with the last; `unmeasurable`: LiteLLM "
    "does not tell; `negative`: it was noted before the call.",
    "time_per_output_token_seconds": "(duration - time to first token) / (output tokens - 1).",
    "output_tokens_per_second": "Output tokens, reasoning included, over provider time.",
    "overhead_seconds": "`gateway` is the request's duration without providers, queue and backoff; "
    "`queue` is LiteLLM's `queue_time_seconds`; `backoff` the gaps between attempts.",
    "tokens_total": "As the provider billed them (`usage`). Of a broken or abandoned stream, "
    "LiteLLM's own count until then.",
    "cost_usd_total": "LiteLLM's `response_cost`, taken apart by its `cost_breakdown`, whose parts "
    "overlap. `other` is what the breakdown does not explain, such as a margin; a discount is "
    "shared out over the components.",
    "cost_per_request_usd": "Requests without a known cost do not count.",
    "unpriced_requests_total": "`no_price`: neither the price list nor the configuration has one, "
    "although LiteLLM says 0.0; `no_usage`: no tokens were told; `lookup_failed`: LiteLLM failed.",
    "cost_mismatches_total": "The parts, margin and discount of LiteLLM's breakdown against its "
    "total. The total is what counts.",
    "failovers_total": "One per change of model group. A retry within a group, also on another "
    "deployment, is no failover. A group that rests and is skipped counts as `overloaded`.",
    "failover_delay_seconds": "Recovered requests only.",
    "failover_cost_usd_total": "The answer's cost minus the price of the same tokens at the first "
    "choice, without long-context tiers and discounts. Unknown prices do not count.",
    "circuit_state": "LiteLLM's cooldown; it knows no half-open state.",
    "circuit_transitions_total": "Entry is heard at once, exit is seen within a second.",
    "provider_up": "The verdict of `GET /health/gateway`, which may be up to ten seconds old.",
    "provider_probe_duration_seconds": "Of several addresses, the one in most trouble, else the "
    "slowest; of a failed probe, up to where it failed. Never an LLM call.",
    "component_up": "`gateway` is the overall status: 0 when no model group can be served.",
    "ratelimit_remaining_ratio": "From the `x-ratelimit-*` headers of the last successful answer; "
    "of several workers, the latest.",
    "event_loop_lag_seconds": "What blocks the loop delays every request of that worker.",
    "plugin_record_seconds": "On the proxy's event loop, after the answer.",
    "requests_by_tag_total": "Tags past the 50th of a request are left out.",
    "gen_ai_client_token_usage": "With `gen_ai_compat` only, as the next three. `input` holds "
    "cached tokens too, `output` reasoning. The recommended bounds (powers of 4) are among ours.",
    "gen_ai_client_operation_duration_seconds": "One per attempt; `error_type` is empty unless "
    "it failed. Bounds are powers of 2, not the advised multiples of 0.01: each count is exact.",
    "gen_ai_server_time_to_first_token_seconds": "Successful streams: from calling the provider.",
    "gen_ai_server_time_per_output_token_seconds": "Successful streams: after the first token.",
    "series_overflow_total": "Per metric and worker at most `max_series` label sets are kept.",
}
