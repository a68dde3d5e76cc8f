"""Time ranges, and the step of a chart in each."""

SPANS: dict[str, int] = {
    "15m": 900,
    "1h": 3600,
    "6h": 21_600,
    "24h": 86_400,
    "7d": 604_800,
    "30d": 2_592_000,
}
DEFAULT_SPAN = "15m"
_STEPS_S = (10, 30, 60, 300, 900, 3600, 21_600)
_MOST_POINTS = 130


def step_s(span: str) -> int:
    """Seconds of a step, so that a chart has at most 130 points."""
    seconds = SPANS[span]
    return next((step for step in _STEPS_S if seconds / step <= _MOST_POINTS), _STEPS_S[-1])
