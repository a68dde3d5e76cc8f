"""LiteLLM's own `response_cost` of every answer, noted by a callback that is not ours."""

from __future__ import annotations

import json
import os
from pathlib import Path

from litellm.integrations.custom_logger import CustomLogger


def note(cost_usd: float) -> None:
    """One line in the file that WITNESS names."""
    with Path(os.environ["WITNESS"]).open("a") as file:
        file.write(json.dumps({"pid": os.getpid(), "cost_usd": cost_usd}) + "\n")


class Witness(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        note(kwargs.get("response_cost") or 0.0)


witness = Witness()
