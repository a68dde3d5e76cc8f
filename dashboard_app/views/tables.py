"""Models compared, spending under budgets, and what each request went through."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard_app import units
from dashboard_app.answer import dig
from dashboard_app.views.block import text

Json = Mapping[str, Any]


def render_models(metrics: Json) -> str:
    """HTML of the comparison, dearest first."""
    rows = sorted((metrics.get("models") or ()), key=lambda r: (-(r.get("costs") or 0), r["model"]))
    most = max((r.get("costs") or 0 for r in rows), default=0) or 1
    heads = ("Model", "Attempts", "Success", "p50", "p95", "p99", "TTFT p50", "Tokens/s", "Tokens")
    body = "".join(_model(row, share=(row.get("costs") or 0) / most) for row in rows)
    table = _table((*heads, "Cost", "Cost / 1k tok"), body, label="Models compared")
    return card("Models compared", "by model that did the work · sorted by cost", table)


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
        return card(
            "Budgets and objectives", "", _empty("None set: add budgets or slo to the settings")
        )
    table = _table(
        ("Name", "Used or objective", "Left", "Forecast or burn rate"),
        "".join(rows),
        label="Budgets",
    )
    return card("Budgets and objectives", "", table)


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
        return card(title, note, _empty("None so far"))
    table = _table(("Time (UTC)", "Model", "Outcome", "Took", "Cost", "Trace"), body, label=title)
    return card(title, note, table)


def _request(one: Json) -> str:
    error = dig(one, "error", "type")
    outcome = f'<span class="bad-text">✕ {text(error)}</span>' if error else text(one["outcome"])
    cells = (
        f'<a href="?request={text(one["id"])}" data-set="request" data-value="{text(one["id"])}" '
        f'title="Where the time went">{text(str(one["time"])[11:19])}</a>',
        f"{text(one['modelGroup'])}<small>{text(one.get('provider') or '')}</small>",
        outcome,
        units.duration(dig(one, "latency", "totalMs")),
        units.money(one.get("costUsd")),
        trace_link(one),
    )
    return _row(cells)


def render_request(one: Json | None, *, wanted: str) -> str:
    """HTML of one request: where its time went, attempt after attempt."""
    if not wanted:
        return ""
    close = '<button type="button" class="plain" data-set="request" data-value="">Close</button>'
    if one is None:
        gone = _empty("The gateway lists this request no longer, or its filters hide it")
        return card(f"Request {wanted}", close, gone)
    total = dig(one, "latency", "totalMs") or 0
    message = dig(one, "error", "message")
    said = (
        f'<p class="bad-text wrap" style="margin-top:6px">✕ {text(message)}</p>' if message else ""
    )
    body = _facts(one, total) + said + _waterfall(_parts(one), total)
    return card("Where the time went", close, body)


def _facts(one: Json, total: float) -> str:
    tokens = one.get("tokens")
    facts = {
        "Request": text(one["id"]),
        "Model": text(one.get("model") or one["modelGroup"]),
        "Outcome": text(one["outcome"]),
        "Took": units.duration(total or None),
        "First token": units.duration(dig(one, "latency", "ttftMs")),
        "Cost": units.money(one.get("costUsd")),
        "Tokens": units.count(tokens if isinstance(tokens, int | float) else None),
        "Team": text(one.get("team") or units.UNKNOWN),
        "Trace": trace_link(one) if one.get("traceUrl") else text(one.get("traceId") or "—"),
    }
    pairs = "".join(f"<div><dt>{name}</dt><dd>{said}</dd></div>" for name, said in facts.items())
    return f'<dl class="facts">{pairs}</dl>'


def _parts(one: Json) -> list[tuple[str, float | None, bool]]:
    parts = [("Queue", dig(one, "latency", "queueMs"), False)]
    for number, attempt in enumerate(one.get("attempts") or (), start=1):
        why = dig(attempt, "error", "type") or attempt.get("error")
        name = f"{number}. {attempt.get('provider')} · {attempt.get('model')}"
        parts.append((f"{name}: {why}" if why else name, attempt.get("ms"), bool(why)))
    parts.append(("Backoff", dig(one, "latency", "backoffMs"), False))
    return parts


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


def card(title: str, note: str, body: str) -> str:
    """*note* and *body* are HTML."""
    return (
        f'<section class="card" aria-label="{text(title)}"><div class="top"><h2>{text(title)}</h2>'
        f'<span class="label">{note}</span>{_export(title, body)}</div>{body}</section>'
    )


def _export(title: str, body: str) -> str:
    if "<table" not in body:
        return ""
    return (
        '<span class="exports"><button type="button" data-csv '
        f'aria-label="{text(title)} as CSV">CSV</button></span>'
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


def render_failovers(failovers: Sequence[Json]) -> str:
    """HTML of the ledger: what each failover lost in time and added in dollars."""
    if not failovers:
        return card("Failovers", "newest first", _empty("None so far"))
    lost = sum(f.get("lostMs") or 0 for f in failovers)
    added = [f["costAddedUsd"] for f in failovers if f.get("costAddedUsd") is not None]
    price = f" · {units.difference_of_cost(sum(added))}" if added else ""
    note = f"last {len(failovers)}: {units.duration(lost)} lost{price}"
    heads = ("Time (UTC)", "From", "To", "Reason", "Outcome", "Lost", "Added")
    body = "".join(map(_failover, failovers[:10]))
    return card("Failovers", note, _table(heads, body, label="Failovers"))


def _failover(one: Json) -> str:
    source, target = one["from"], one["to"]
    recovered = one["outcome"] == "recovered"
    outcome = "● recovered" if recovered else f"✕ {text(one['outcome'])}"
    request = text(one.get("requestId") or "")
    cells = (
        f'<a href="?request={request}" data-set="request" data-value="{request}">'
        f"{text(str(one['time'])[11:19])}</a>",
        f"{text(source['provider'])}<small>{text(source['modelGroup'])}</small>",
        f"{text(target['provider'])}<small>{text(target['modelGroup'])}</small>",
        text(one["reason"]),
        f'<span class="{"ok" if recovered else "bad-text"}">{outcome}</span>',
        units.duration(one.get("lostMs")),
        units.money(one.get("costAddedUsd")),
    )
    return _row(cells)


_COMPARED: tuple[tuple[str, tuple[str, ...], Any, int], ...] = (
    ("Attempts", ("requests",), units.count, 0),
    ("Success", ("successRate",), units.percent, 1),
    ("Latency p50", ("latency", "p50"), units.duration, -1),
    ("Latency p95", ("latency", "p95"), units.duration, -1),
    ("First token p50", ("ttft", "p50"), units.duration, -1),
    ("Output tokens/s", ("tokensPerSecond",), units.count, 1),
    ("Tokens", ("tokens", "total"), units.count, 0),
    ("Cost", ("costs",), units.money, 0),
    ("Cost per 1k tokens", ("costPer1kTokens",), units.money, -1),
    ("Cost per request", ("costPerRequest",), units.money, -1),
)


def render_comparison(metrics: Json, pair: tuple[str, str]) -> str:
    """HTML of two models side by side, the better value of each line marked."""
    found = {row["model"]: row for row in (metrics.get("models") or ())}
    if not all(name in found for name in pair):
        return ""
    rows = [found[name] for name in pair]
    body = "".join(_compared(rows, *line) for line in _COMPARED)
    table = _table(("", *pair), body, label="Two models side by side")
    return card("Two models side by side", "✓ the better one", table)


def _compared(rows: Sequence[Json], name: str, path: tuple[str, ...], unit: Any, sign: int) -> str:
    values = [dig(row, *path) for row in rows]
    known = [v for v in values if v is not None]
    best = None
    if sign and len(known) == len(values) and len(set(known)) > 1:
        best = max(known) if sign > 0 else min(known)
    cells = [f"{'✓ ' if v is not None and v == best else ''}{unit(v)}" for v in values]
    return _row((name, *cells))
