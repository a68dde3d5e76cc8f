"""A ledger file damaged anywhere gives fewer entries, or none; never an error."""

import os
import random

import pytest

from litellm_obs_plugin.ledger import ring
from litellm_obs_plugin.ledger.ring import RingFile, read_ring, remove_old

ENTRIES = {b'{"n": 0}', b'{"n": 1}', b'{"n": 2}'}


@pytest.fixture
def path(tmp_path):
    """A file of a worker that is gone."""
    file = RingFile(directory=tmp_path, rings=2, slots=4)
    for entry in sorted(ENTRIES):
        file.append(0, entry)
    file.close()
    return file.path


def test_a_bit_flipped_anywhere(path):
    """Every bit of the header, and of the slots that are in use."""
    data = path.read_bytes()
    offsets = [
        *range(32),
        *(4096 + slot * ring.SLOT_BYTES + i for slot in range(3) for i in range(24)),
    ]
    for at in offsets:
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            path.write_bytes(damaged)

            assert set(read_ring(path, 0)) <= ENTRIES
            assert set(read_ring(path, 1)) <= ENTRIES


def test_a_file_cut_off_anywhere(path):
    data = path.read_bytes()
    for size in (0, 31, 32, 4096, *random.Random(3).sample(range(len(data)), 40)):
        path.write_bytes(data[:size])

        assert set(read_ring(path, 0)) <= ENTRIES


def test_a_pipe_or_a_link_in_place_of_a_file_is_passed_over(tmp_path):
    """Opening a pipe that nobody writes to would wait for good."""
    os.mkfifo(tmp_path / f"pipe{ring.SUFFIX}")
    (tmp_path / f"link{ring.SUFFIX}").symlink_to("/etc/hostname")

    assert [] == list(read_ring(tmp_path / f"pipe{ring.SUFFIX}", 0))
    assert [] == list(read_ring(tmp_path / f"link{ring.SUFFIX}", 0))
    remove_old(tmp_path, keep=0)
    assert [] == list(tmp_path.glob("*" + ring.SUFFIX))
