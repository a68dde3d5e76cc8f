"""Directives: how a prompt tells the simulator what to do.

They stand in square brackets in the last user message, anywhere and in any order:

    [case:NAME]                    names the call in the ledger
    [tokens:IN,OUT,CACHED,REASONING,CACHE_WRITE]
                                   token counts, the tail may be left out
    [latency:0.2]                  seconds to the answer; of a stream, to its first token
    [stream:N,GAP]                 N content chunks, GAP seconds apart
    [limit:LIMIT,LEFT]             answers with these rate-limit headers, in requests
    [fault:TARGET=KIND]            every call to TARGET fails
    [fault:TARGET=KIND*2]          only the first two calls of this case fail
    [fault:TARGET=slow:SECONDS]    answers, but SECONDS later

TARGET is an upstream model (`gpt-4o-mini`), `provider/model` or `*`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from litellm_obs_plugin.demo.faults import Fault, FaultKind
from litellm_obs_plugin.demo.usage import Usage

_DIRECTIVE = re.compile(r"\[(case|tokens|latency|stream|limit|fault):([^\[\]\n]{1,200})\]")
_FAULT = re.compile(r"(?P<target>[^=]+)=(?P<kind>[a-z0-9_]+)(?::(?P<s>[0-9.]+))?(?:\*(?P<n>\d+))?")
_MAX_SECONDS = 60.0
_MAX_TOKENS = 10_000_000
_MAX_CHUNKS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """Fail calls to *target*; with *first*, only that many of a case."""

    target: str
    fault: Fault
    first: int | None = None

    def covers(self, provider: str, model: str) -> bool:
        return self.target in ("*", model, f"{provider}/{model}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Directives:
    """What a prompt asked for. None: it did not say."""

    case: str | None = None
    usage: Usage | None = None
    latency_s: float | None = None
    chunks: int | None = None
    gap_s: float | None = None
    limit: tuple[int, int] | None = None
    faults: tuple[FaultRule, ...] = ()


def parse_directives(text: str) -> Directives:
    """Read the directives in *text*. One that cannot be read is ignored; nothing raises."""
    case: str | None = None
    usage: Usage | None = None
    latency_s: float | None = None
    chunks: int | None = None
    gap_s: float | None = None
    limit: tuple[int, int] | None = None
    faults: list[FaultRule] = []
    for name, value in _found(text):
        match name:
            case "case":
                case = value
            case "tokens":
                usage = _usage(value) or usage
            case "latency":
                latency_s = _seconds(value)
            case "stream":
                count, _, gap = value.partition(",")
                chunks, gap_s = _count(count, most=_MAX_CHUNKS), _seconds(gap)
            case "limit":
                limit = _limit(value) or limit
            case _:
                faults.extend(_fault_rules(value))
    return Directives(
        case=case,
        usage=usage,
        latency_s=latency_s,
        chunks=chunks,
        gap_s=gap_s,
        limit=limit,
        faults=tuple(faults),
    )


def _found(text: str) -> Iterator[tuple[str, str]]:
    for match in _DIRECTIVE.finditer(text):
        yield match[1], match[2].strip()


def _usage(value: str) -> Usage | None:
    counts = [_count(part, most=_MAX_TOKENS) for part in value.split(",")]
    known = [count for count in counts if count is not None]
    if len(known) != len(counts) or len(known) > 5:
        return None
    given, out, cached, reasoning, written = known + [0] * (5 - len(known))
    cached = min(cached, given)
    return Usage(
        input_tokens=given,
        output_tokens=out,
        cached_tokens=cached,
        cache_write_tokens=min(written, given - cached),
        reasoning_tokens=min(reasoning, out),
    )


def _limit(value: str) -> tuple[int, int] | None:
    limit, left = (_count(part, most=_MAX_TOKENS) for part in (value + ",").split(",")[:2])
    return None if limit is None or left is None else (limit, left)


def _fault_rules(value: str) -> Iterator[FaultRule]:
    match = _FAULT.fullmatch(value)
    if match is None or match["kind"] not in set(FaultKind):
        return
    kind = FaultKind(match["kind"])
    delay_s = _seconds(match["s"] or "0")
    first = None if match["n"] is None else _count(match["n"], most=_MAX_CHUNKS)
    if delay_s is not None and (match["n"] is None or first is not None):
        fault = Fault(kind=kind, delay_s=delay_s)
        yield FaultRule(target=match["target"].strip(), fault=fault, first=first)


def _count(value: str, *, most: int) -> int | None:
    value = value.strip()
    if not (value.isascii() and value.isdecimal() and len(value) <= 9):
        return None
    return min(int(value), most)


def _seconds(value: str) -> float | None:
    # Hand-checked: float() would also take "nan", "inf" and "1_0".
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9}", value.strip(), re.ASCII):
        return None
    return min(float(value), _MAX_SECONDS)
