"""The families of LiteLLM's own ``prometheus`` callback, to follow ours on the page."""

import os
from collections.abc import Iterable
from typing import Any

import litellm


def host_families() -> Iterable[Any]:
    """What the built-in callback has registered; nothing when it is off.

    With several workers LiteLLM keeps its numbers in ``PROMETHEUS_MULTIPROC_DIR``.
    """
    if not any(map(_is_prometheus, getattr(litellm, "callbacks", None) or ())):
        return ()
    from prometheus_client import REGISTRY, CollectorRegistry, multiprocess

    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY.collect()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry.collect()


def _is_prometheus(callback: Any) -> bool:
    return callback == "prometheus" or type(callback).__name__ == "PrometheusLogger"
