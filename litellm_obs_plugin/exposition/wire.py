"""Fields of protobuf messages. Field numbers up to 15 only: one byte of tag is all we need."""

import struct

import numpy as np
from numpy.typing import NDArray

_DOUBLE = struct.Struct("<d")
# Tags: the number of a field with how its content is written.
_VARINT, _FIXED_64, _BYTES = ([bytes((f << 3 | kind,)) for f in range(16)] for kind in range(3))


def _encode_varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


# Counts and deltas are mostly small, and a page has tens of thousands of them.
_SMALL = [_encode_varint(number) for number in range(1 << 12)]
_SMALL_END = len(_SMALL)


def varint(number: int) -> bytes:
    """*number*, which must not be negative, in base 128."""
    return _SMALL[number] if number < _SMALL_END else _encode_varint(number)


def zigzag(number: int) -> int:
    """Signed to unsigned, so that small numbers of either sign stay short."""
    return number << 1 if number >= 0 else -(number << 1) - 1


def unsigned(field: int, number: int) -> bytes:
    return _VARINT[field] + varint(number)


def signed(field: int, number: int) -> bytes:
    """An sint32 or sint64."""
    return unsigned(field, zigzag(number))


def double(field: int, number: float) -> bytes:
    return _FIXED_64[field] + _DOUBLE.pack(number)


def block(field: int, content: bytes) -> bytes:
    """A message or bytes."""
    return _BYTES[field] + varint(len(content)) + content


def text(field: int, content: str) -> bytes:
    """Lone surrogates, which UTF-8 cannot carry, become question marks."""
    return block(field, content.encode("utf-8", "replace"))


def packed_signed(field: int, numbers: NDArray[np.int64]) -> bytes:
    """Many sint64 in one field; nothing for none."""
    if not numbers.size:
        return b""
    zigzags = (numbers << 1) ^ (numbers >> 63)
    if zigzags.max() < 0x80:
        return block(field, zigzags.astype(np.uint8).tobytes())
    return block(field, b"".join(map(varint, zigzags.tolist())))


def delimited(message: bytes) -> bytes:
    """*message* with its length in front, as messages follow each other in a stream."""
    return varint(len(message)) + message
