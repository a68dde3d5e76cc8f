import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.metrics import layout
from litellm_obs_plugin.metrics.layout import BlockKind, FormatError, SeriesName
from litellm_obs_plugin.metrics.mapping import COUNTS, DOLLARS, SECONDS

names = st.builds(SeriesName, st.text(), st.lists(st.text()).map(tuple))
blocks = st.one_of(
    st.tuples(names, st.sampled_from([BlockKind.COUNTER, BlockKind.GAUGE]), st.none(), st.just(0)),
    st.tuples(
        names,
        st.just(BlockKind.SKETCH),
        st.sampled_from([SECONDS, DOLLARS, COUNTS]),
        st.sampled_from([0, 256]),
    ),
)


def encode(written):
    parts = []
    for name, kind, domain, exemplar_cells in written:
        head, cells = layout.encode_block(name, kind, domain, exemplar_cells=exemplar_cells)
        parts += [head, bytes((cells + exemplar_cells) * layout.WORD)]
    return b"".join(parts)


@given(written=st.lists(blocks, max_size=5))
def test_blocks_read_back(written):
    """Whatever the names, also with lone surrogates in them."""
    data = encode(written)

    read = list(layout.read_blocks(data, 0, len(data)))

    assert written == [(b.name, b.kind, b.domain, b.exemplar_cells) for b in read]


@given(written=st.lists(blocks, min_size=1, max_size=3), junk=st.binary(min_size=1), data=st.data())
def test_damage_raises_nothing_but_its_own_error(written, junk, data):
    """Bytes that are no blocks are named as such; nothing loops, nothing else escapes."""
    good = encode(written)
    at = data.draw(st.integers(min_value=0, max_value=len(good) - 1))
    damaged = (good[:at] + junk + good[at + len(junk) :])[: len(good)]

    try:
        read = list(layout.read_blocks(damaged, 0, len(damaged)))
    except FormatError:
        return
    assert all(0 <= b.start and (b.start + b.cells) * 8 <= len(damaged) for b in read)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda d: d[:-8], id="cut off"),
        pytest.param(lambda d: bytes(len(d)), id="zeros"),
        pytest.param(lambda d: d[:8] + struct.pack("=q", 9) + d[16:], id="kind"),
        pytest.param(lambda d: d[:16] + struct.pack("=q", -8) + d[24:], id="negative name"),
        pytest.param(lambda d: d[:24] + struct.pack("=qq", 5, 4) + d[40:], id="no domain"),
        pytest.param(lambda d: d[:48] + b"[" * 24 + d[72:], id="name is no JSON"),
    ],
)
def test_damaged_blocks_are_refused(damage):
    data = damage(encode([(SeriesName("a_metric", ("x", "y")), BlockKind.COUNTER, None, 0)]))

    with pytest.raises(FormatError, match="block at 0"):
        list(layout.read_blocks(data, 0, len(data)))


def test_a_header_reads_back():
    data = layout.encode_header(12.5, checksum=7).ljust(layout.HEADER_BYTES, b"\0")

    assert (layout.HEADER_BYTES, 12.5, 7) == layout.read_header(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected at least 4096 bytes, got 0"),
        (bytes(4096), "expected format"),
        (layout._HEADER.pack(layout.MAGIC, 0, 4096, 1.0, 0), "format 0"),
        (layout.encode_header(float("nan")), "of nan"),
        (layout.encode_header(1.0, used=8192), "expected 4096 to 4096 bytes in use, got 8192"),
        (layout.encode_header(1.0, used=8), "got 8"),
    ],
)
def test_another_format_is_refused(data, message):
    """An older version's file, or one that the power failed under."""
    whole = data.ljust(layout.HEADER_BYTES, b"\0") if data else data

    with pytest.raises(FormatError, match=message):
        layout.read_header(whole)
