"""Passes over the rows of PLY files that contain lists; see `read_ply`."""

from __future__ import annotations

from typing import Any

from mesh_reloc_ros.kernels.compile import kernel


@kernel()
def find_lists(data: Any, at: int, widths: Any, counts: Any, is_big: bool, starts: Any) -> int:
    """Fill `starts` [N, P, 2] with the place and the length of each property of each row.

    :param data: bytes, or float64 numbers of an ASCII file. :param at: where the first row begins.
    :param widths: [P], size of a value. :param counts: [P], size of a list's length in bytes; 1 for
        numbers; 0: the property is no list.
    :param is_big: whether the most significant byte comes first.
    :returns: the end of the last row, or -1 if the data ends before.
    """
    for row in range(len(starts)):
        for column in range(len(widths)):
            size = counts[column]
            length = 1
            if at + size > len(data):
                return -1
            if size > 0:
                length = 0
                for k in range(size):
                    length = 256 * length + int(data[at + (k if is_big else size - 1 - k)])
                at += size
            if length < 0 or length > len(data) or at + length * widths[column] > len(data):
                return -1
            starts[row, column, 0] = at
            starts[row, column, 1] = length
            at += length * widths[column]
    return at
