import errno
import fcntl
import math
import os
from pathlib import Path

import pytest

from litellm_obs_plugin.metrics import arena
from litellm_obs_plugin.metrics.arena import StateFullError
from litellm_obs_plugin.metrics.file_reader import FileReader, is_alive
from litellm_obs_plugin.metrics.layout import SeriesName
from litellm_obs_plugin.metrics.mapping import SECONDS
from litellm_obs_plugin.metrics.worker_file import FileState, WorkerFile


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


def read(reader):
    return {block.name: reader.value(block) for block in reader.blocks()}


def test_what_is_recorded_can_be_read_at_once(file, reader):
    file.counter(SeriesName("c", ("x",))).add(2.5)
    file.gauge(SeriesName("g", ())).set(-1.0)
    file.sketch(SeriesName("s", ()), SECONDS).add(0.25)

    series = read(reader)

    assert 5.0 == reader.header.started_at
    assert ((2.5, 0.0), (-1.0, 0.0)) == (series["c", ("x",)], series["g", ()])
    assert (1, 0.25, 0.25) == (
        series["s", ()].count,
        series["s", ()].min,
        series["s", ()].sum,
    )


def test_a_new_series_is_whole_when_it_appears(file, reader):
    """Its extremes are set before it is published: an empty sketch is not one that saw zero."""
    file.sketch(SeriesName("s", ()), SECONDS)

    sketch = read(reader)["s", ()]

    assert (0, math.inf, -math.inf) == (sketch.count, sketch.min, sketch.max)


def test_series_stay_where_they_are_while_the_file_grows(file, reader):
    """Old series go on counting in memory that a reader, too, still sees."""
    first = file.counter(SeriesName("first", ()))
    for i in range(600):
        first.add(1.0)
        file.sketch(SeriesName("s", (str(i),)), SECONDS).add(1.0)
        if i % 100 == 0:
            assert i + 2 == len(read(reader))
    first.add(1.0)

    series = read(reader)

    assert (601.0, 0.0) == series["first", ()]
    assert [1] * 600 == [series["s", (str(i),)].count for i in range(600)]
    assert file.path.stat().st_size <= 1.3 * 600 * SECONDS.cells * 8 + arena.INITIAL_BYTES


def test_a_block_larger_than_a_step_of_growth_fits(tmp_path, monkeypatch):
    monkeypatch.setattr("litellm_obs_plugin.metrics.arena.INITIAL_BYTES", 4096)
    monkeypatch.setattr("litellm_obs_plugin.metrics.worker_file.INITIAL_BYTES", 4096)
    file = WorkerFile.create(directory=tmp_path, started_at=5.0)
    for i in range(3):
        file.sketch(SeriesName("s", (str(i),)), SECONDS).add(1.0)
    reader = FileReader(file.path)

    assert [1, 1, 1] == [sketch.count for sketch in read(reader).values()]
    reader.close()
    file.close()


class Disk:
    """Has room for *room* bytes in all."""

    def __init__(self, *, room: int) -> None:
        self.room = room
        self.asked = 0

    def allocate(self, descriptor: int, offset: int, size: int) -> None:
        self.asked += 1
        if offset + size > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.posix_fallocate(descriptor, offset, size)


def fill(file):
    for i in range(10_000):
        file.sketch(SeriesName("s", (str(i),)), SECONDS)


def test_a_full_disk_refuses_series_and_keeps_counting(tmp_path, caplog):
    """Without the reservation the write into the mapping would be a SIGBUS: the proxy gone."""
    disk = Disk(room=arena.INITIAL_BYTES)
    file = WorkerFile.create(directory=tmp_path, started_at=5.0, allocate=disk.allocate)
    counter = file.counter(SeriesName("c", ()))

    with pytest.raises(StateFullError):
        fill(file)
    asked = disk.asked
    for _ in range(arena.RETRY_EVERY):
        with pytest.raises(StateFullError):
            file.sketch(SeriesName("t", ()), SECONDS)
    counter.add(1.0)

    assert asked == disk.asked  # a full disk is slow to answer, so it is not asked each time
    assert ["no room for new series" in r.message for r in caplog.records] == [True]
    disk.room *= 100
    file.sketch(SeriesName("t", ()), SECONDS).add(1.0)
    reader = FileReader(file.path)
    series = read(reader)
    assert ((1.0, 0.0), 1) == (series["c", ()], series["t", ()].count)
    reader.close()
    file.close()


def test_no_room_for_the_first_page_leaves_nothing_behind(tmp_path):
    before = len(os.listdir("/proc/self/fd"))

    with pytest.raises(OSError, match="No space"):
        WorkerFile.create(directory=tmp_path, started_at=5.0, allocate=Disk(room=0).allocate)

    assert ["lock"] == os.listdir(tmp_path)
    assert before == len(os.listdir("/proc/self/fd"))


def test_space_is_reserved_not_just_promised(file):
    assert file.path.stat().st_blocks * 512 >= arena.INITIAL_BYTES


def test_a_file_is_locked_from_its_first_sight_to_its_close(file):
    assert is_alive(file.path)
    file.close()
    file.close()  # twice does no harm
    assert not is_alive(file.path)
    assert FileState.CLOSED is file.state


def test_nobody_else_can_read_it(file):
    assert 0o600 == file.path.stat().st_mode & 0o777


def in_child(act) -> int:
    """The exit code of *act* in a fork: 0 when it returned true."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = 0 if act() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_neither_writes_nor_keeps_the_lock(file):
    """A child that outlives its worker would keep the file alive, and two would write one cell."""
    let_go, gone = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.write(gone[1], b"1" if file.state is FileState.DISOWNED else b"0")
        os.read(let_go[0], 1)
        os._exit(0)
    assert b"1" == os.read(gone[0], 1)

    assert is_alive(file.path)  # the child's letting go has not released the parent's lock
    file.close()
    assert not is_alive(file.path)  # though the child still lives

    os.write(let_go[1], b"x")
    os.waitpid(child, 0)
    for end in (*let_go, *gone):
        os.close(end)


def test_a_forked_child_can_have_a_file_of_its_own(file, tmp_path):
    def work():
        own = file.renewed()
        own.counter(SeriesName("c", ())).add(1.0)
        return own.path != file.path and own.state is FileState.OPEN and is_alive(own.path)

    assert 0 == in_child(work)
    assert 2 == len(list(Path(tmp_path).glob("*.worker")))


def test_another_process_sees_the_lock(file):
    def is_locked():
        with file.path.open() as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    assert 0 == in_child(is_locked)
