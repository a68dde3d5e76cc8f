from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.peers.langfuse_peer import LangfusePeer


@pytest.fixture
def peer() -> Iterator[LangfusePeer]:
    with LangfusePeer() as running:
        yield running
