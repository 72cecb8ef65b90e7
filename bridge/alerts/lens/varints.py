"""Zigzag varints, many in one go: all of them as one large integer, whose bits are moved together.

An alert has a few dozen integers. NumPy needs ten calls to decode them, each of which costs as much as
several numbers; Python's integers of any size do the same in a dozen operations in C.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache

__all__ = ["MOST", "decode_varints"]

MOST = 256
"""So many varints at most are decoded in one go."""

# A varint of up to ten bytes in a lane of 128 bits: neither it nor its value ever reaches the next lane.
_LANE_BYTES = 16


def _in_each_lane(bits: int) -> int:
    return int.from_bytes(bits.to_bytes(_LANE_BYTES, "little") * MOST, "little")


# Digits of base 128 lie one to a byte. Neighbours are joined to numbers of 14 bits in 16, of 28 bits in 32,
# of 56 bits in 64, and at last of 64 bits: the even ones stay where they are, the odd ones move down to them.
_JOINS = tuple(
    (shift, _in_each_lane(stay), _in_each_lane(move))
    for shift, stay, move in (
        (1, 0x007F_007F_007F_007F_007F_007F_007F_007F, 0x3F80_3F80_3F80_3F80_3F80_3F80_3F80_3F80),
        (2, 0x00003FFF_00003FFF_00003FFF_00003FFF, 0x0FFFC000_0FFFC000_0FFFC000_0FFFC000),
        (4, 0x00000000_0FFFFFFF_00000000_0FFFFFFF, 0x00FFFFFF_F0000000_00FFFFFF_F0000000),
        (8, 0x00FFFFFF_FFFFFFFF, 0xFF000000_00000000),
    )
)
_SIGNS = _in_each_lane(1)
_SIZES = _in_each_lane((1 << 63) - 1)


def decode_varints(items: Sequence[bytes]) -> bytes:
    """Values of zigzag varints (Avro 1.12, "Binary Encoding"), of which only 64 bits count.

    Parameters
    ----------
    items
        Shape (n,), n <= `MOST`: varints of at most ten bytes.

    Returns
    -------
    16 bytes for each: the value as a little-endian int64, and eight bytes without meaning.
    """
    n = int.from_bytes(_packer(len(items))(*items), "little")
    for shift, stay, move in _JOINS:
        n = n & stay | n >> shift & move
    signs = n & _SIGNS
    # A lane with sign 1 becomes 64 ones, which turn all bits of the value over.
    n = (n >> 1 & _SIZES) ^ ((signs << 64) - signs)
    return n.to_bytes(_LANE_BYTES * len(items), "little")


@lru_cache(maxsize=MOST)
def _packer(count: int) -> Callable[..., bytes]:
    # Texts of fixed width are filled up with zeros.
    return struct.Struct(f"{_LANE_BYTES}s" * count).pack
