"""Where HDF5 keeps texts of any length: global heaps, lists of objects of which each says where the next begins.

An object that takes no place has the library look at it for ever, inside C, where nothing can interrupt it: whoever
opens a stranger's file looks first.

References
----------
The HDF Group, "HDF5 File Format Specification Version 3.0", III.E (Global Heap) and II.A (Superblock).
"""

from __future__ import annotations

import mmap

__all__ = ["are_heaps_whole"]

_MARK = b"GCOL\x01\0\0\0"
_BEFORE_SIZE = 8  # of a heap and of an object: mark, or number and count of references
_USUAL_LENGTH = 8


def are_heaps_whole(content: bytes | mmap.mmap) -> bool:
    """Whether every object of every global heap ends behind its beginning and within its heap.

    Parameters
    ----------
    content : bytes or mmap
        The file.

    Examples
    --------
    >>> heap = _MARK + (48).to_bytes(8, "little") + bytes(8)
    >>> are_heaps_whole(heap + (32).to_bytes(8, "little") + bytes(16)), are_heaps_whole(heap + bytes(24))
    (True, False)
    """
    length_bytes = _length_bytes(content)
    head_bytes = _aligned(_BEFORE_SIZE + length_bytes)
    at = content.find(_MARK)
    while at >= 0:
        size = int.from_bytes(content[at + _BEFORE_SIZE : at + _BEFORE_SIZE + length_bytes], "little")
        end = min(at + size, len(content))
        place = at + head_bytes
        while place + head_bytes <= end:  # less is space too small for an object
            number = int.from_bytes(content[place : place + 2], "little")
            held = int.from_bytes(content[place + _BEFORE_SIZE : place + _BEFORE_SIZE + length_bytes], "little")
            taken = head_bytes + _aligned(held) if number else held  # of free space, number 0, its head is a part
            if not 0 < taken <= end - place:
                return False
            place += taken
        at = content.find(_MARK, at + len(_MARK))
    return True


def _length_bytes(content: bytes | mmap.mmap) -> int:
    """Bytes in which the file writes lengths, as its superblock says."""
    place = 14 if content[8:9] in (b"\0", b"\1") else 10
    length_bytes = content[place] if len(content) > place else 0
    return length_bytes if length_bytes in (2, 4, 8) else _USUAL_LENGTH


def _aligned(size: int) -> int:
    return -(-size // 8) * 8
