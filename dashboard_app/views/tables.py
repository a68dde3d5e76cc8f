"""Models compared, spending under budgets, and what each request went through."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard_app import units
from dashboard_app.viewmodel import dig
from dashboard_app.views.block import text

Json = Mapping[str, Any]


def render_models(metrics: Json) -> str:
    """HTML of the comparison, dearest first."""
    rows = sorted(metrics.get("models", ()), key=lambda r: (-(r.get("costs") or 0), r["model"]))
    most = max((r.get("costs") or 0 for r in rows), default=0) or 1
    heads = ("Model", "Attempts", "Success", "p50", "p95", "p99", "TTFT p50", "Tokens/s", "Tokens")
    body = "".join(_model(row, share=(row.get("costs") or 0) / most) for row in rows)
    table = _table((*heads, "Cost", "Cost / 1k tok"), body, label="Models compared")
    return _card("Models compared", "by model that did the work · sorted by cost", table)


def _model(row: Json, *, share: float) -> str:
    low, high = row.get("errorRateInterval") or (None, None)
    success = units.percent(row["successRate"])
    if low is not None and high is not None:
        success += f"<small>{(1 - high) * 100:.1f}–{(1 - low) * 100:.1f}%</small>"
    latency, speed = row["latency"], row["tokensPerSecond"]
    cells = (
        f"<b>{text(row['model'])}</b><small>{text(row['provider'])}</small>",
        units.count(row["requests"]),
        success,
        units.duration(latency["p50"]),
        units.duration(latency["p95"]),
        units.duration(latency["p99"]),
        units.duration(dig(row, "ttft", "p50")),
        units.UNKNOWN if speed is None else f"{speed:.0f}",
        units.count(row["tokens"]["total"]),
        f'{units.money(row["costs"])}<span class="bar" style="width:{share * 100:.0f}%"></span>',
        units.money(row["costPer1kTokens"]),
    )
    return _row(cells)


def render_budgets(slo: Json) -> str:
    """HTML of budgets and objectives; says how to set them when there are none."""
    rows = [_budget(one) for one in slo.get("budgets") or ()]
    rows += [_objective(one) for one in slo.get("objectives") or ()]
    if not rows:
        return _card(
            "Budgets and objectives", "", _empty("None set: add budgets or slo to the settings")
        )
    table = _table(
        ("Name", "Used or objective", "Left", "Forecast"), "".join(rows), label="Budgets"
    )
    return _card("Budgets and objectives", "", table)


def _budget(one: Json) -> str:
    spent, limit = one.get("spentUsd"), one.get("limitUsd")
    used = (
        f"{units.money(spent)} of {units.money(limit)}" if limit is not None else units.money(spent)
    )
    left = limit - spent if limit is not None and spent is not None else None
    end = one.get("exhaustsAt")
    forecast = f"used up {str(end)[:16].replace('T', ' ')} UTC" if end else "lasts"
    return _row((f"<b>{text(one.get('name'))}</b>", used, units.money(left), text(forecast)))


def _objective(one: Json) -> str:
    burn = " · ".join(
        f"{text(w['window'])} {w['burnRate']:.1f}×"
        for w in one.get("windows", ())
        if w.get("burnRate") is not None
    )
    left = units.percent(one.get("budgetRemainingRatio"))
    name = f"<b>{text(one.get('name'))}</b>"
    return _row((name, units.percent(one.get("objective")), left, burn or units.UNKNOWN))


def render_requests(title: str, note: str, entries: Sequence[Json]) -> str:
    """HTML of a list of requests."""
    body = "".join(map(_request, entries[:10]))
    if not body:
        return _card(title, note, _empty("None so far"))
    table = _table(("Time (UTC)", "Model", "Outcome", "Took", "Cost", "Trace"), body, label=title)
    return _card(title, note, table)


def _request(one: Json) -> str:
    error = dig(one, "error", "type")
    outcome = f'<span class="bad-text">✕ {text(error)}</span>' if error else text(one["outcome"])
    cells = (
        text(str(one["time"])[11:19]),
        f"{text(one['modelGroup'])}<small>{text(one.get('provider') or '')}</small>",
        outcome,
        units.duration(dig(one, "latency", "totalMs")),
        units.money(one.get("costUsd")),
        trace_link(one),
    )
    return _row(cells)


def render_request(one: Json | None) -> str:
    """HTML of one request: where its time went, attempt after attempt."""
    if one is None:
        return ""
    total = dig(one, "latency", "totalMs") or 0
    parts = [("Queue", dig(one, "latency", "queueMs"), False)]
    for number, attempt in enumerate(one.get("attempts") or (), start=1):
        name = f"{number}. {attempt.get('provider')} · {attempt.get('model')}"
        parts.append((name, attempt.get("ms"), bool(attempt.get("error"))))
    parts.append(("Backoff", dig(one, "latency", "backoffMs"), False))
    error = dig(one, "error", "message")
    message = f'<p class="bad-text wrap" style="margin-top:6px">{text(error)}</p>' if error else ""
    facts = f"{text(one['id'])} · {units.duration(total)} · {units.money(one.get('costUsd'))}"
    return _card(
        "Where the time went", f"{facts} · {trace_link(one)}", message + _waterfall(parts, total)
    )


def _waterfall(parts: Sequence[tuple[str, float | None, bool]], total: float) -> str:
    at, lines = 0.0, []
    scale = max(total, sum(ms or 0 for _, ms, _ in parts)) or 1
    for name, ms, failed in parts:
        if not ms:
            continue
        style = f"left:{at / scale * 100:.2f}%;width:{ms / scale * 100:.2f}%"
        bar = f'<i class="{"bad" if failed else ""}" style="{style}"></i>'
        mark = "✕ " if failed else ""
        lines.append(
            f'<div class="step"><span class="wrap">{mark}{text(name)}</span><span>{bar}</span>'
            f"<span>{units.duration(ms)}</span></div>"
        )
        at += ms
    return "".join(lines)


def trace_link(one: Json) -> str:
    """A link to the trace, where there is one on the web."""
    url = str(one.get("traceUrl") or "")
    if not url.startswith(("http://", "https://")):
        return units.UNKNOWN
    return f'<a href="{text(url)}" target="_blank" rel="noopener noreferrer">trace ↗</a>'


def _card(title: str, note: str, body: str) -> str:
    """*note* and *body* are HTML."""
    return (
        f'<section class="card" aria-label="{text(title)}"><div class="top"><h2>{text(title)}</h2>'
        f'<span class="label">{note}</span></div>{body}</section>'
    )


def _table(heads: Sequence[str], body: str, *, label: str) -> str:
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in heads)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(label)}, table"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _empty(words: str) -> str:
    return f'<p class="empty">{text(words)}</p>'
