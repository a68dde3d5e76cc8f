"""Recorded hooks: the words of a recording, reading one back, and playing it to a callback."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

RECORD_TO = "RECORD_HOOKS_TO"
DATETIME = "$datetime"
FIXTURES = Path(__file__).parent / "fixtures"
SCENARIOS = tuple(sorted(path.stem for path in FIXTURES.glob("*.jsonl")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One call of a hook, at *at* seconds since the epoch."""

    name: str
    at: float
    event: Any
    error: Any = None
    route: Any = None


def read_recording(scenario: str) -> list[Hook]:
    lines = (FIXTURES / f"{scenario}.jsonl").read_text().splitlines()
    return [_hook(json.loads(line, object_hook=_revived)) for line in lines]


async def play(callback: Any, hooks: Iterable[Hook], *, set_clock: Any = lambda at: None) -> None:
    """Call *callback* as the proxy did."""
    for hook in hooks:
        set_clock(hook.at)
        method = getattr(callback, hook.name)
        match hook.name:
            case "async_pre_call_deployment_hook":
                await method(hook.event, None)
            case "async_post_call_success_deployment_hook":
                await method(hook.event, None, None)
            case "async_post_call_failure_deployment_hook":
                await method(hook.event, hook.error, None)
            case "async_post_call_failure_hook":
                user = SimpleNamespace(request_route=hook.route)
                await method(hook.event, hook.error, user)
            case _:
                await method(hook.event, None, None, None)
    getattr(callback, "settle", lambda: None)()


def _hook(line: dict[str, Any]) -> Hook:
    return Hook(
        name=line["hook"],
        at=line["at"],
        event=line["event"],
        error=_error(line["error"]) if "error" in line else None,
        route=line.get("route"),
    )


def _revived(value: dict[str, Any]) -> Any:
    return datetime.fromisoformat(value[DATETIME]) if DATETIME in value else value


def _error(told: dict[str, Any]) -> Exception:
    """An exception whose classes have the recorded names."""
    own, *_, last = [n for n in told["classes"] if n not in ("BaseException", "object")]
    assert last == "Exception"
    cls: type[Exception] = Exception
    for name in reversed(told["classes"][:-3]):
        cls = type(name, (cls,), {})
    assert cls.__name__ == own
    error = cls(told["message"])
    for name, value in told["attributes"].items():
        setattr(error, name, value)
    return error
