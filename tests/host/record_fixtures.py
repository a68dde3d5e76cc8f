"""Records ``fixtures/*.jsonl`` anew from a real proxy: ``python -m tests.host.record_fixtures``."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.conftest import _wait_for as wait_for
from tests.host.recording import FIXTURES, RECORD_TO
from tests.proxy.server import AUTH, start_proxy, start_simulator, write_config

TEMPLATE = Path(__file__).parent.parent / "proxy" / "proxy_config.yaml"
RECORDER = "tests.host.recorder.recorder"
USAGE = "[tokens:120,30,20,10]"
_QUIET_S = 1.5  # the host logs after it answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A caller of the proxy."""

    client: httpx.Client

    def post(self, path: str, body: dict, **more) -> httpx.Response:
        return self.client.post(path, json=body, **more)

    def chat(self, model: str, words: str = "", **more) -> httpx.Response:
        return self.post("/v1/chat/completions", chat_body(model, words, **more))


def chat_body(model: str, words: str = "", **more) -> dict:
    content = f"{USAGE} {words} hello"
    return {"model": model, "messages": [{"role": "user", "content": content}], **more}


def hang_up(asking: Asking) -> None:
    body = chat_body("chat", "[stream:200,0.05]", stream=True)
    with asking.client.stream("POST", "/v1/chat/completions", json=body) as answer:
        next(answer.iter_lines())


def bad_key(asking: Asking) -> None:
    wrong = {"authorization": "Bearer sk-wrong-key"}
    asking.post("/v1/chat/completions", chat_body("chat"), headers=wrong)


CACHED = {"cache": {"use-cache": True}}
SCENARIOS: dict[str, Callable[[Asking], object]] = {
    "chat": lambda ask: ask.chat("chat", "[latency:0.2]"),
    "stream": lambda ask: ask.chat("chat", "[latency:0.3] [stream:10,0.05]", stream=True),
    "retry": lambda ask: ask.chat("chat", "[case:retry] [fault:*=500*1]"),
    "fallback": lambda ask: ask.chat("primary", "[fault:gpt-4o=503]"),
    "both_fail": lambda ask: ask.chat("primary", "[fault:*=500]"),
    "stream_breaks": lambda ask: ask.chat("chat", "[stream:10,0.02] [fault:*=drop]", stream=True),
    "client_disconnect": hang_up,
    "cache_hit": lambda ask: ask.chat("chat", "[case:cache]", **CACHED),
    "responses_stream": lambda ask: ask.post(
        "/v1/responses", {"model": "chat", "input": USAGE, "stream": True}
    ),
    "messages_to_openai": lambda ask: ask.post("/v1/messages", chat_body("chat", max_tokens=100)),
    "messages_to_anthropic": lambda ask: ask.post(
        "/v1/messages", chat_body("claude", max_tokens=100)
    ),
    "embeddings": lambda ask: ask.post(
        "/v1/embeddings", {"model": "embed", "input": "[tokens:400]"}
    ),
    "pass_through": lambda ask: ask.post("/through", chat_body("gpt-4o-mini")),
    "unknown_model": lambda ask: ask.chat("no-such-model"),
    "bad_key": bad_key,
    "cooldown": lambda ask: ask.chat("fragile"),
    "timeout": lambda ask: ask.chat("impatient", "[fault:*=slow:3]"),
    "health_check": lambda ask: ask.client.get("/health", params={"model": "backup"}),
}
# What must have happened before, and is not part of the recording.
BEFORE: dict[str, Callable[[Asking], object]] = {
    "chat": lambda ask: ask.chat("chat"),  # a worker's first call of a kind is slow
    "stream": lambda ask: ask.chat("chat", stream=True),
    "cache_hit": SCENARIOS["cache_hit"],
    "cooldown": lambda ask: ask.chat("fragile", "[fault:*=401]"),
}


def settled(record: Path) -> str:
    """What *record* holds once nothing has been added for a while."""
    text = ""
    while not text or text != record.read_text():
        text = wait_for(record.read_text)  # type: ignore[assignment]
        threading.Event().wait(_QUIET_S)
    return text


def record_all(asking: Asking, record: Path) -> None:
    for name, act in SCENARIOS.items():
        if name in BEFORE:
            BEFORE[name](asking)
            settled(record)
        record.write_text("")
        act(asking)
        text = settled(record)
        (FIXTURES / f"{name}.jsonl").write_text(text)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        record = directory / "hooks.jsonl"
        record.write_text("")
        simulator = start_simulator(
            port=free_port(), log=directory / "simulator.log", wait_for=wait_for
        )
        closed = f"http://127.0.0.1:{free_port()}"
        config = write_config(
            TEMPLATE,
            simulator=simulator.url,
            closed=closed,
            to=directory / "config.yaml",
            litellm_settings={"callbacks": [RECORDER]},
        )
        proxy = start_proxy(
            config=config,
            port=free_port(),
            state_dir=directory,
            log=directory / "proxy.log",
            wait_for=wait_for,
            env={RECORD_TO: str(record), "PYTHONPATH": str(Path.cwd())},
        )
        try:
            with httpx.Client(base_url=proxy.url, headers=AUTH, timeout=30, trust_env=False) as c:
                record_all(Asking(client=c), record)
        finally:
            proxy.stop()
            simulator.stop()


if __name__ == "__main__":
    main()
