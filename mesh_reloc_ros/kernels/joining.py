"""Passes over the vertices and corners of a mesh that join equal ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesh_reloc_ros.kernels.compile import kernel


@kernel()
def number_rows(rows: Any, table: Any, first: Any) -> None:
    """Fill `first` [N]: the number of the first row that equals each of rows [N, K] uint32.

    :param table: all -1; its length is a power of two, more than N.
    """
    mask = np.uint64(len(table) - 1)
    for number in range(len(rows)):
        digest = np.uint64(0)
        for value in rows[number]:
            digest = (digest ^ np.uint64(value)) * np.uint64(0x9E3779B97F4A7C15)
            digest ^= digest >> np.uint64(32)
        place = digest & mask
        while table[place] >= 0:
            other = table[place]
            equal = True
            for column in range(rows.shape[1]):
                equal &= rows[other, column] == rows[number, column]
            if equal:
                break
            place = (place + np.uint64(1)) & mask
        if table[place] < 0:
            table[place] = number
        first[number] = table[place]


@kernel()
def number_pairs(
    faces: Any, first_vertex: Any, first_uv: Any, newest: Any, numbers: Any, pairs: Any
) -> int:
    """Fill numbers [F, 3] and pairs [N, 2]; return N.

    :param first_vertex: [V], the vertex that stands for each. :param first_uv: [T], likewise.
    :param newest: [V], all -1: the number that a vertex was given last. Its earlier numbers, which
        are few, are found from there.
    """
    earlier = np.empty(len(pairs), dtype=np.int32)
    count = 0
    for face in range(len(faces)):
        for corner in range(3):
            vertex, uv = faces[face, corner]
            vertex = first_vertex[vertex]
            if uv >= 0:
                uv = first_uv[uv]
            number = newest[vertex]
            while number >= 0 and pairs[number, 1] != uv:
                number = earlier[number]
            if number < 0:
                number = count
                pairs[number] = (vertex, uv)
                earlier[number] = newest[vertex]
                newest[vertex] = number
                count += 1
            numbers[face, corner] = number
    return count
