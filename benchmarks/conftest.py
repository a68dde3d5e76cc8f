"""One table of what was measured and what is allowed.

A benchmark's group names its budget; it compares with the median, or with what the benchmark itself
puts into ``extra_info["measured"]``.
"""

_UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6, "kB": 0.0}  # a benchmark tells kilobytes itself


def pytest_terminal_summary(terminalreporter, config):
    session = getattr(config, "_benchmarksession", None)
    measured = [
        b for b in getattr(session, "benchmarks", ()) if (b.group or "").startswith("budget")
    ]
    if not measured:
        return
    terminalreporter.section("measured / budget")
    for one in measured:
        amount, unit, *rest = one.group.removeprefix("budget ").split()
        figure = one.extra_info.get("measured", one.stats.median * _UNITS[unit])
        name = one.name.removeprefix("test_").replace("_", " ")
        over = "" if figure <= float(amount) else "  OVER"
        terminalreporter.write_line(
            f"{name:<48} {figure:8.1f} / {amount} {unit} {' '.join(rest)}{over}"
        )
