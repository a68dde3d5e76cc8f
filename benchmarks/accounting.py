"""Loaded into a proxy as a callback: sums the CPU time of two observers, hook by hook.

Every step of every hook of LiteLLM's ``PrometheusLogger`` and of ours is timed with
``time.thread_time_ns``, and so are our tasks; of our threads the system's own clock is read.
Totals go to the file that ``ACCOUNT_TO`` names, five times a second.
"""

import asyncio
import functools
import inspect
import json
import os
import threading
import time
from collections import Counter
from pathlib import Path

from litellm.integrations.custom_logger import CustomLogger

spent_ns: Counter[str] = Counter()
calls: Counter[str] = Counter()


class Timed:
    """Awaits *coroutine* and sums the CPU time of its steps, without what runs between them."""

    def __init__(self, coroutine, account):
        self._coroutine = coroutine
        self._account = account

    def __await__(self):
        send, value = self._coroutine.send, None
        while True:
            start = time.thread_time_ns()
            try:
                asked = send(value)
            except StopIteration as end:
                return end.value
            finally:
                spent_ns[self._account] += time.thread_time_ns() - start
            send = self._coroutine.send
            try:
                value = yield asked
            except BaseException as error:  # noqa: BLE001 handed on to the hook
                send, value = self._coroutine.throw, error


def timed(hook, account):
    @functools.wraps(hook)
    async def run(*args, **kwargs):
        calls[account] += 1
        return await Timed(hook(*args, **kwargs), account)

    return run


def timed_call(function, account):
    @functools.wraps(function)
    def run(*args, **kwargs):
        start = time.thread_time_ns()
        try:
            return function(*args, **kwargs)
        finally:
            spent_ns[account] += time.thread_time_ns() - start

    return run


def account_for(cls, owner):
    """Time every coroutine that *cls* itself defines and LiteLLM calls."""
    for name, value in list(vars(cls).items()):
        if inspect.iscoroutinefunction(value) and hasattr(CustomLogger, name):
            setattr(cls, name, timed(value, f"{owner}.{name}"))


def watch_ours():
    from litellm_obs_plugin.host import callback, compat

    account_for(callback.QuietCallback, "ours")
    account_for(callback.ObsCallback, "ours")
    keep_running = compat.keep_running

    async def run(work):
        return await Timed(work, "ours.tasks")

    compat.keep_running = lambda work: keep_running(run(work))
    run_later = compat.run_later
    compat.run_later = lambda delay_s, work: run_later(delay_s, timed_call(work, "ours.later"))
    to_thread = asyncio.to_thread

    async def to_timed_thread(function, /, *args, **kwargs):
        if str(getattr(function, "__module__", "")).startswith("litellm_obs_plugin"):
            function = timed_call(function, "ours.threads")
        return await to_thread(function, *args, **kwargs)

    asyncio.to_thread = to_timed_thread


def read_threads(known):
    """CPU time of our threads by what they do; of one that has ended, what was seen last."""
    for thread in threading.enumerate():
        if thread.name.startswith("litellm-obs-") and thread.ident is not None:
            clock = time.pthread_getcpuclockid(thread.ident)
            known[thread.name, thread.ident] = time.clock_gettime_ns(clock)
    totals: Counter[str] = Counter()
    for (name, _), ns in known.items():
        totals["ours.thread " + name.removeprefix("litellm-obs-").split("_")[0]] += ns
    return totals


def write_totals(path):
    temporary, known = path.with_suffix(".new"), {}
    while True:
        totals = {"spent_ns": {**spent_ns, **read_threads(known)}, "calls": dict(calls)}
        temporary.write_text(json.dumps(totals))
        temporary.rename(path)
        time.sleep(0.2)


class Nothing(CustomLogger):
    """The hooks that a successful request meets, empty: what none can be below."""

    async def async_pre_call_deployment_hook(self, kwargs, call_type):
        return None

    async def async_post_call_success_deployment_hook(self, request_data, response, call_type):
        return None

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        return None


def start():
    from litellm.integrations.prometheus import PrometheusLogger

    account_for(PrometheusLogger, "built-in")
    account_for(Nothing, "nothing")
    watch_ours()
    path = Path(os.environ["ACCOUNT_TO"])
    threading.Thread(target=write_totals, args=(path,), daemon=True).start()


if "ACCOUNT_TO" in os.environ:
    start()

account = Nothing()
