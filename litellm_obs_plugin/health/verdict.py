"""Signals -> verdict. Pure: the same signals give the same verdict."""

from collections.abc import Collection

from litellm_obs_plugin.health.finding import Finding, Probed
from litellm_obs_plugin.health.signals import Background, Circuit, Counts, Signals, Traffic
from litellm_obs_plugin.health.status import Status, Verdict, worst
from litellm_obs_plugin.record import ErrorType
from litellm_obs_plugin.slo.interval import wilson as wilson

MIN_ATTEMPTS = 5
# Of the share of failures, what is certain at 95 %: the lower end of its Wilson interval.
DEGRADED_FROM, UNHEALTHY_FROM = 0.05, 0.5
# What the caller caused says nothing of a provider.
CALLER_ERRORS = frozenset(
    {
        *(ErrorType.BAD_REQUEST, ErrorType.NOT_FOUND),
        *(ErrorType.CONTEXT_LENGTH, ErrorType.CONTENT_POLICY),
    }
)
# What a probe without a key cannot see, and so cannot refute.
_NEEDS_A_KEY = frozenset({ErrorType.AUTH, ErrorType.RATE_LIMIT, ErrorType.BUDGET})
_H, _D, _U = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY


def judge(signals: Signals) -> Verdict:
    """One verdict from all signals of a deployment; healthy when nothing is known against it."""
    circuit, background = signals.circuit, signals.background
    found = [
        judge_circuit(circuit) if circuit is not None else None,
        _weigh_traffic(signals),
        _weigh_probe(signals),
        judge_background(background) if background is not None else None,
    ]
    known = [verdict for verdict in found if verdict is not None]
    status = worst(verdict.status for verdict in known)
    reasons = [v.reason for v in known if v.status is not _H or status is _H]
    return Verdict(status, "; ".join(r for r in reasons if r) or "no signal yet")


def judge_traffic(traffic: Traffic) -> Verdict | None:
    """None with fewer than :data:`MIN_ATTEMPTS` attempts."""
    counts = decisive(traffic)
    if counts is None:
        return None
    seconds = traffic.recent_s if counts is traffic.recent else traffic.window_s
    low, _ = wilson(counts.failed, counts.attempts)
    status = _U if low >= UNHEALTHY_FROM else _D if low >= DEGRADED_FROM else _H
    if status is _H:
        return Verdict(status, f"{counts.successes} of {counts.attempts} calls succeeded")
    kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(counts.failures.items(), key=_by_count))
    failed = f"{counts.failed} of {counts.attempts} calls in {seconds:.0f} s failed ({kinds})"
    return Verdict(status, failed)


def decisive(traffic: Traffic) -> Counts | None:
    """The latest part where it differs from the whole beyond chance, else the whole window."""
    recent, window = traffic.recent, traffic.window
    if recent.attempts >= MIN_ATTEMPTS:
        low, high = wilson(recent.failed, recent.attempts)
        window_low, window_high = wilson(window.failed, window.attempts)
        if low > window_high or high < window_low:
            return recent
    return window if window.attempts >= MIN_ATTEMPTS else None


def judge_circuit(circuit: Circuit) -> Verdict:
    if circuit.open_workers <= 0:
        return Verdict(_H)
    if circuit.open_workers < circuit.workers:
        return Verdict(_D, f"rests in {circuit.open_workers} of {circuit.workers} workers")
    return Verdict(_U, "rests: LiteLLM has cooled it down")


def judge_probe(probed: Probed) -> Verdict | None:
    """None when the probe could not tell."""
    match probed.finding:
        case Finding.OK:
            return Verdict(_H, f"reachable in {probed.phases.total_s * 1000:.0f} ms")
        case Finding.UNKNOWN:
            return None
        case Finding.RATE_LIMIT:
            return Verdict(_D, probed.detail)
        case _:
            return Verdict(_U, probed.detail)


def judge_background(background: Background) -> Verdict:
    """At most degraded: one check of LiteLLM's weighs less than what callers see."""
    if background.healthy:
        return Verdict(_H)
    return Verdict(_D, f"LiteLLM's background check fails: {background.detail}".rstrip(": "))


def _weigh_traffic(signals: Signals) -> Verdict | None:
    """Old failures that a good probe refutes no longer count."""
    traffic = signals.traffic
    verdict = judge_traffic(traffic) if traffic is not None else None
    if traffic is None or verdict is None or verdict.status is _H:
        return verdict
    counts = decisive(traffic) or traffic.window
    if traffic.is_stale and _refutes(signals.probe, counts.failures):
        return None
    return verdict


def _refutes(probed: Probed | None, failures: Collection[str]) -> bool:
    if probed is None or probed.finding is not Finding.OK:
        return False
    return probed.authenticated or not _NEEDS_A_KEY.intersection(failures)


def _weigh_probe(signals: Signals) -> Verdict | None:
    """Calls that succeed at the moment weigh more than a probe that fails."""
    verdict = judge_probe(signals.probe) if signals.probe is not None else None
    traffic = signals.traffic
    if verdict is None or verdict.status is not _U or traffic is None or traffic.is_stale:
        return verdict
    live = judge_traffic(traffic)
    if live is None or live.status is not _H or not traffic.recent.successes:
        return verdict
    return Verdict(_D, f"the probe fails ({verdict.reason}), but {live.reason}")


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]
