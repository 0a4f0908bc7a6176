"""Passes over the text of OBJ files; see `read_obj`."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesh_reloc_ros.kernels.compile import kernel

_TAB, _LINE_FEED, _RETURN, _SPACE, _HASH = 9, 10, 13, 32, 35
_PLUS, _MINUS, _DOT, _SLASH, _ZERO, _NINE = 43, 45, 46, 47, 48, 57
_E, _F, _M, _T, _U, _V = (ord(letter) for letter in 'efmtuv')
_LARGEST_INDEX = 2**31 - 2
_MOST_DIGITS = 10**17
"""Further digits of a mantissa above this are ignored: they do not change a float32."""
_EXACT_POWERS = np.array([float(f'1e{exponent}') for exponent in range(23)])
_NONE = -1


@kernel()
def scan(
    text: Any,
    before: Any,
    vertices: Any,
    colours: Any,
    uvs: Any,
    faces: Any,
    statements: Any,
) -> tuple[int, int, int, int, int]:
    """Read a block of lines into the arrays; return the number of rows filled in each.

    :param text: bytes, the last of which is a line feed.
    :param before: number of vertices and of texture coordinates in earlier blocks.
    :param colours: [V, 3], NaN for vertices without colours.
    :param statements: [S, 2], start of each line that may name a material or a library, and the
        number of faces before it.
    :returns: the numbers of vertices, texture coordinates, faces and statements, and the start of
        the line of a face that cannot be read, or -1.
    """
    v, t, f, s, i = 0, 0, 0, 0, 0
    while i < len(text):
        i = _after_blanks(text, i)
        start, letter = i, text[i]
        if letter == _V and _is_blank(text[i + 1]):
            i = _read_numbers(text, i + 1, vertices[v])
            i = _read_numbers(text, i, colours[v])
            v += 1
        elif letter == _V and text[i + 1] == _T and _is_blank(text[i + 2]):
            uvs[t, 1] = 0.0
            _read_numbers(text, i + 2, uvs[t])
            t += 1
        elif letter == _F and _is_blank(text[i + 1]):
            triangles = _read_face(text, i + 1, before[0] + v, before[1] + t, faces[f:])
            if triangles < 0:
                return v, t, f, s, start
            f += triangles
        elif letter in (_U, _M, _U - 32, _M - 32):
            statements[s] = (start, f)
            s += 1
        while not _is_end(text[i]):
            i += 1
        i += 1
    return v, t, f, s, _NONE


@kernel()
def _is_end(character: Any) -> bool:
    return character in (_LINE_FEED, _RETURN)


@kernel()
def _is_blank(character: Any) -> bool:
    return character in (_SPACE, _TAB)


@kernel()
def _is_digit(character: Any) -> bool:
    return _ZERO <= character <= _NINE


@kernel()
def _after_blanks(text: Any, i: int) -> int:
    while _is_blank(text[i]):
        i += 1
    return i


@kernel()
def _read_numbers(text: Any, i: int, row: Any) -> int:
    """Fill the row [N] and return its end; text that is not a number becomes NaN."""
    for column in range(len(row)):
        i = _after_blanks(text, i)
        row[column], i = _number(text, i)
    return i


@kernel()
def _number(text: Any, i: int) -> tuple[float, int]:
    """Return the number at position i, NaN if there is none, and its end."""
    negative = text[i] == _MINUS
    if negative or text[i] == _PLUS:
        i += 1
    mantissa, exponent, digits, fraction = 0, 0, 0, False
    while _is_digit(text[i]) or (text[i] == _DOT and not fraction):
        if text[i] == _DOT:
            fraction = True
        else:
            digits += 1
            if mantissa < _MOST_DIGITS:
                mantissa = 10 * mantissa + (text[i] - _ZERO)
                exponent -= fraction
            else:
                exponent += not fraction
        i += 1
    if digits == 0:
        return np.nan, i
    if text[i] == _E or text[i] == _E - 32:
        power, i = _integer(text, i + 1)
        exponent += power
    value = float(mantissa)
    if abs(exponent) >= len(_EXACT_POWERS):
        value *= 10.0**exponent
    elif exponent < 0:
        value /= _EXACT_POWERS[-exponent]
    else:
        value *= _EXACT_POWERS[exponent]
    return -value if negative else value, i


@kernel()
def _integer(text: Any, i: int) -> tuple[int, int]:
    """Return the integer at position i, 0 if there is none, and its end."""
    negative = text[i] == _MINUS
    if negative or text[i] == _PLUS:
        i += 1
    value = 0
    while _is_digit(text[i]):
        value = min(10 * value + (text[i] - _ZERO), _LARGEST_INDEX)
        i += 1
    return -value if negative else value, i


@kernel()
def _read_face(text: Any, i: int, vertices: int, uvs: int, faces: Any) -> int:
    """Write a polygon as triangles [F, 3, 2]; return their number, -1 if it cannot be read."""
    corner = 0
    i = _after_blanks(text, i)
    while not _is_end(text[i]) and text[i] != _HASH:
        v, i = _integer(text, i)
        t = 0
        if text[i] == _SLASH:
            t, i = _integer(text, i + 1)
        if text[i] == _SLASH:
            _, i = _integer(text, i + 1)
        # Negative indices count back from the last; 0 is not an index.
        exists = v != 0 and v >= -vertices and t >= -uvs
        if not exists or not (_is_blank(text[i]) or _is_end(text[i])):
            return -1
        v += vertices if v < 0 else _NONE
        t += uvs if t < 0 else _NONE
        if corner > 2:
            faces[corner - 2, 0] = faces[0, 0]
            faces[corner - 2, 1] = faces[corner - 3, 2]
        place = (0, corner) if corner < 3 else (corner - 2, 2)
        faces[place[0], place[1], 0] = v
        faces[place[0], place[1], 1] = t
        corner += 1
        i = _after_blanks(text, i)
    return max(corner - 2, 0)
