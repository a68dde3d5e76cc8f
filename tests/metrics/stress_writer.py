"""A worker of the stress test: records until it is killed, and keeps books of its own.

Usage: stress_writer.py STATE_DIR BOOKS INDEX. In BOOKS, a file that outlives us, each index has two
numbers: requests begun and requests recorded. Begun is written before the recording and recorded
after it, so whenever we are killed the truth lies between them, and they differ by at most one for
each kill.
"""

import mmap
import sys
from pathlib import Path

from litellm_obs_plugin.metrics import fleet
from litellm_obs_plugin.metrics.recorder import Recorder
from litellm_obs_plugin.metrics.worker_file import WorkerFile
from litellm_obs_plugin.record import (
    Attempt,
    Cost,
    CostStatus,
    Deployment,
    Operation,
    Outcome,
    Request,
    TimeToFirstToken,
)


def make_request(index: int, number: int) -> Request:
    group = f"w{index}"
    seconds = 0.1 + number % 100 / 7
    attempt = Attempt(
        deployment=Deployment(id="d", model_group=group, model=f"m{number % 40}", provider=group),
        started_at=1.0,
        duration_s=seconds,
        outcome=Outcome.SUCCESS,
        ttft=TimeToFirstToken(value_s=seconds / 3),
        cost=Cost(
            status=CostStatus.PRICED,
            total_usd=seconds / 1e4,
            components_usd={"input": seconds / 3e4, "output": seconds / 1.5e4},
        ),
    )
    return Request(
        call_id=f"{index}-{number}",
        received_at=1.0,
        duration_s=seconds,
        operation=Operation.CHAT,
        stream=True,
        model_group=group,
        outcome=Outcome.SUCCESS,
        attempts=(attempt,),
    )


def main(state_dir: Path, books: Path, index: int) -> None:
    fleet.prepare(state_dir)
    recorder = Recorder(WorkerFile.create(directory=state_dir, started_at=1.0))
    with books.open("r+b") as file:
        words = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")
    begun, recorded = 2 * index, 2 * index + 1
    while True:
        words[begun] += 1
        recorder.record(make_request(index, words[begun]))
        words[recorded] += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
