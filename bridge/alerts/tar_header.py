"""The header of a plain member of a tar archive, read without ceremony.

`tarfile` takes longer for a header than we do for the small message behind it. A regular file with a short
name and no extensions, which nearly all members are, is read here; all that is odd is left to `tarfile`.
"""

from __future__ import annotations

import re
import tarfile

__all__ = ["plain_member"]

# Octal numbers as tar programs write them, in 8 and in 12 bytes.
_SHORT = rb"(?:[0-7]{7}\0|[0-7]{6}(?: \0|\0 ))"
_LONG = rb"[0-7]{11}[ \0]"
# Name; mode, owner, group; size; time; checksum; type 0 (regular file), no link; user, group; device; and
# nothing more: no prefix to the name (POSIX.1-1988, ustar).
_PLAIN = re.compile(
    rb"(.{100})" + _SHORT * 3 + rb"(" + _LONG + rb")" + _LONG + rb"(" + _SHORT + rb")0\0.{99}ustar.{67}"
    rb"(?:" + _SHORT + rb"|\0{8}){2}\0{167}",
    re.DOTALL,
)  # fmt: skip
# Eight of them.
_BLANKS = 8 * ord(" ")


def plain_member(header: bytes) -> tuple[str, int] | None:
    """Name and size in bytes of the member that a header describes; None says that `tarfile` has to look.

    Parameters
    ----------
    header
        512 bytes.
    """
    match = _PLAIN.fullmatch(header)
    if match is None:
        return None
    name, size, checksum = match.groups()
    # The sum of all bytes, those of the sum itself taken as blanks.
    if sum(header.translate(None, b"\0")) - sum(checksum) + _BLANKS != int(checksum.rstrip(b" \0"), 8):
        return None
    return name.partition(b"\0")[0].decode(tarfile.ENCODING, "surrogateescape"), int(size.rstrip(b" \0"), 8)
