"""A state and a ledger that can be made to fail, for what shows them."""

from litellm_obs_plugin.ledger.book import LedgerReader
from litellm_obs_plugin.metrics.snapshot import Snapshot

NOW = 1_750_000_000.0


class State:
    """What the reader finds."""

    def __init__(self):
        self.error = None
        self.snapshot = Snapshot(
            started_at=NOW - 60,
            taken_at=NOW,
            series={"requests_total": {("chat", "chat", "false", "success"): 3.0}},
        )

    def read(self):
        if self.error is not None:
            raise self.error
        return self.snapshot


class Ledger(LedgerReader):
    """A ledger that can be made to fail."""

    error = None

    def newest(self, page, *, limit):
        if self.error is not None:
            raise self.error
        return super().newest(page, limit=limit)
