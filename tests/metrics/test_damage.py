"""State files damaged anywhere: workers start and serve, and say what they left out."""

import os
import random
from contextlib import suppress

import pytest

from litellm_obs_plugin.exposition import page
from litellm_obs_plugin.exposition.negotiation import Format
from litellm_obs_plugin.metrics import base_file, fleet, layout
from litellm_obs_plugin.metrics.fleet import Fleet

GROUPS = 3
BITS = (0x01, 0x10, 0x80)


def write_dead_file(state, make_request):
    """A worker that has recorded some and died; its file and the bytes in use."""
    recorder = state.worker()
    for at in range(9):
        recorder.record(make_request(group=f"g{at % GROUPS}", call_id=f"call-{at}"))
    path = state.files[-1].path
    state.kill_all()
    return path, path.read_bytes()


def heads(data):
    """The offsets of what says how a file is to be read: the header, and each block's head."""
    used = layout.read_header(data).used
    yield from range(48)
    for block in layout.read_blocks(data, layout.HEADER_BYTES, used):
        name = layout.encode_block(block.name, block.kind, block.domain)[0]
        yield from range(block.start * layout.WORD - len(name), block.start * layout.WORD)


def serve(directory):
    """Read and render everything, as a scrape does; the requests, and the damaged files."""
    reader = Fleet(directory, clock=lambda: 1_750_000_000.0, pause=lambda: None)
    try:
        snapshot = reader.read()
        for format in Format:
            page.render(snapshot, format)
        return snapshot.total("requests_total"), snapshot.damaged_files
    finally:
        reader.close()


def flipped(data, rng, *, offsets, times):
    for at in rng.sample(offsets, times):
        copy = bytearray(data)
        copy[at] ^= rng.choice(BITS)
        yield at, bytes(copy)


@pytest.mark.parametrize("part", ["heads", "anywhere"])
def test_a_bit_flipped_in_a_dead_workers_file(state, make_request, part, caplog):
    """The living count on. What cannot be read is set aside; a count may be off, never the page."""
    path, data = write_dead_file(state, make_request)
    state.worker().record(make_request())
    used = layout.read_header(data).used
    offsets = list(heads(data)) if part == "heads" else list(range(used))
    aside = 0
    for at, damaged in flipped(data, random.Random(7), offsets=offsets, times=150):
        path.write_bytes(damaged)
        before, _ = serve(state.directory)
        fleet.prepare(state.directory)
        after, count = serve(state.directory)

        assert before >= 1, at
        assert after >= 1, at
        found = list(state.directory.glob("*.damaged"))
        assert len(found) == count, at
        aside += count
        for file in (*found, state.directory / base_file.NAME):
            file.unlink(missing_ok=True)
    assert aside == sum("is set aside" in record.message for record in caplog.records)
    assert aside > (50 if part == "heads" else 0)


def test_a_worker_file_cut_off_anywhere(state, make_request):
    path, data = write_dead_file(state, make_request)
    used = layout.read_header(data).used
    rng = random.Random(8)
    for size in (0, 1, 47, 4095, 4096, used - 1, *rng.sample(range(used), 40)):
        path.write_bytes(data[:size])

        assert (0.0, 1) == serve(state.directory), size
        fleet.prepare(state.directory)
        assert (0.0, 1) == serve(state.directory), size
        next(state.directory.glob("*.damaged")).unlink()


def test_a_bit_flipped_or_bytes_cut_off_in_the_base(state, make_request):
    """All of it counts or none of it: what the checksum covers cannot be half right."""
    write_dead_file(state, make_request)
    fleet.prepare(state.directory)
    path = state.directory / base_file.NAME
    data, rng = path.read_bytes(), random.Random(9)
    # Bytes 24 to 31, the time of the start, are not under the checksum.
    offsets = [*range(24), *range(32, 40), *range(layout.HEADER_BYTES, len(data))]
    cases = list(flipped(data, rng, offsets=offsets, times=150))
    cases += [(size, data[:size]) for size in rng.sample(range(len(data)), 50)]
    for at, damaged in cases:
        path.write_bytes(damaged)
        assert (0.0, 1) == serve(state.directory), at
        fleet.prepare(state.directory)
        assert (0.0, 1) == serve(state.directory), at
        next(state.directory.glob("*.damaged")).unlink()


def test_a_living_workers_file_that_is_cut_off_is_left_out(state, make_request):
    """Its own memory beyond the cut is gone, but no reader may die of it."""
    state.worker().record(make_request())
    path = state.files[-1].path
    reader = Fleet(state.directory, clock=lambda: 0.0, pause=lambda: None)
    assert 1.0 == reader.read().total("requests_total")
    size = path.stat().st_size
    other = state.directory / "copy.worker"
    other.write_bytes(path.read_bytes())
    assert 2.0 == reader.read().total("requests_total")
    os.truncate(other, layout.HEADER_BYTES)

    assert (1.0, 1) == (reader.read().total("requests_total"), reader.read().damaged_files)
    assert size == path.stat().st_size
    with suppress(FileNotFoundError):
        other.unlink()
    reader.close()
