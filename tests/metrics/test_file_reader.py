import os
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.metrics import layout
from litellm_obs_plugin.metrics.cells import CellSum
from litellm_obs_plugin.metrics.file_reader import FileReader, check_value, is_alive
from litellm_obs_plugin.metrics.layout import Block, BlockKind, FormatError, SeriesName
from litellm_obs_plugin.metrics.mapping import HEAD, MAX, MIN, SECONDS
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.worker_file import WorkerFile


@pytest.fixture
def file(tmp_path):
    file = WorkerFile.create(directory=tmp_path, started_at=5.0)
    yield file
    file.close()


@pytest.fixture
def reader(file):
    reader = FileReader(file.path)
    yield reader
    reader.close()


def overwrite(path, at, data):
    with path.open("r+b") as raw:
        raw.seek(at)
        raw.write(data)


def test_a_truncated_file_is_refused_before_it_is_touched(file, reader):
    """Touching the part that is gone would be a SIGBUS."""
    file.counter(SeriesName("c", ())).add(1.0)
    assert 1 == len(reader.blocks())
    os.truncate(file.path, layout.HEADER_BYTES)

    with pytest.raises(FormatError, match="expected at least 1048576 bytes, got 4096"):
        reader.blocks()


def test_a_damaged_block_does_not_count_the_good_ones_before_it_twice(file, reader):
    file.counter(SeriesName("a", ()))
    head, cells = layout.encode_block(SeriesName("a", ()), BlockKind.COUNTER, None)
    size = len(head) + cells * 8
    end = layout.HEADER_BYTES + size
    file.counter(SeriesName("b", ()))
    overwrite(file.path, end, bytes(8))
    for _ in range(2):
        with pytest.raises(FormatError, match=f"block at {end}"):
            reader.blocks()
    overwrite(file.path, end, struct.pack("=q", size))

    assert ["a", "b"] == [block.name.metric for block in reader.blocks()]


@pytest.mark.parametrize("used", [0, -8, 8, 1 << 40])
def test_a_use_that_cannot_be_is_refused(file, reader, used):
    overwrite(file.path, layout.USED_CELL * 8, struct.pack("=q", used))

    with pytest.raises(FormatError):
        reader.blocks()


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(lambda p: p.symlink_to("/etc/passwd"), id="link"),
        pytest.param(lambda p: p.symlink_to("nowhere"), id="dangling link"),
        pytest.param(os.mkfifo, id="pipe"),
        pytest.param(lambda p: p.mkdir(), id="directory"),
        pytest.param(lambda p: p.write_bytes(b""), id="empty"),
        pytest.param(lambda p: p.write_bytes(bytes(1 << 16)), id="zeros"),
    ],
)
def test_what_is_no_state_file_is_refused_at_once(tmp_path, plant):
    """A pipe, for one, would block whoever opens it for ever."""
    plant(tmp_path / "x.worker")
    before = len(os.listdir("/proc/self/fd"))

    with pytest.raises(FormatError):
        FileReader(tmp_path / "x.worker")

    assert before == len(os.listdir("/proc/self/fd"))


def test_a_file_that_is_gone_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        is_alive(tmp_path / "x.worker")


def test_reading_leaves_no_descriptors_open(file):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        reader = FileReader(file.path)
        file.sketch(SeriesName("s", ("x" * 100,)), SECONDS)
        reader.blocks()
        reader.close()

    assert before == len(os.listdir("/proc/self/fd"))


class Interrupted:
    """A sketch's words, to which the worker adds a value each time some of them are read."""

    def __init__(self, sketch, values):
        self.sketch, self.values = sketch, list(values)

    def __getitem__(self, span):
        part = self.sketch.array[span].copy()
        if self.values:
            self.sketch.add(self.values.pop())
        return part


@given(
    before=st.lists(st.floats(min_value=0, max_value=1e6)),
    during=st.lists(st.floats(min_value=0, max_value=1e6), max_size=3),
)
def test_a_value_that_is_recorded_during_a_read_never_lies_outside_the_extremes(before, during):
    """Otherwise the quantile of a sketch's first value, caught halfway, would be infinite."""
    total = CellSum(SECONDS)
    total.add(Interrupted(Sketch.of(SECONDS, before), during))
    torn = Sketch.frozen(SECONDS, total.cells())

    assert len(before) <= torn.count <= len(before) + len(during)
    if torn.count:
        assert torn.min <= torn.get_quantile_value(0) <= torn.get_quantile_value(1) <= torn.max


def damaged_sketch(cell, value):
    cells = Sketch.of(SECONDS, [1.0]).array.copy()
    cells[cell] = value
    return Sketch.frozen(SECONDS, cells)


NAN_WORD = int(np.array([np.nan]).view(np.int64)[0])


@pytest.mark.parametrize(
    "raw",
    [
        (float("nan"), 0.0),
        (float("inf"), 0.0),
        (-1.0, 0.0),
        damaged_sketch(0, -1),
        damaged_sketch(HEAD + 3, -1),
        damaged_sketch(3, NAN_WORD),
    ],
)
def test_no_worker_writes_this(raw):
    """One NaN in the base would make a total NaN for good."""
    domain = raw.domain if isinstance(raw, Sketch) else None
    kind = BlockKind.SKETCH if domain else BlockKind.COUNTER
    block = Block(name=SeriesName("m", ()), kind=kind, start=0, cells=2, domain=domain)

    with pytest.raises(FormatError, match="m: not a count"):
        check_value(block, raw)


def test_an_empty_sketch_is_sound():
    block = Block(name=SeriesName("m", ()), kind=BlockKind.SKETCH, start=0, cells=2, domain=SECONDS)
    empty = Sketch.empty(SECONDS)
    check_value(block, empty)

    assert empty.array.view(np.float64)[[MIN, MAX]].tolist() == [np.inf, -np.inf]
