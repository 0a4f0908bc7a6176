"""The structure of PLY files: elements with properties and lists, as text or binary."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.ply_scan import find_lists

_TYPES = {
    'char': 'i1', 'int8': 'i1', 'uchar': 'u1', 'uint8': 'u1', 'short': 'i2', 'int16': 'i2',
    'ushort': 'u2', 'uint16': 'u2', 'int': 'i4', 'int32': 'i4', 'uint': 'u4', 'uint32': 'u4',
    'int64': 'i8', 'uint64': 'u8', 'float': 'f4', 'float32': 'f4', 'double': 'f8', 'float64': 'f8',
}  # fmt: skip
_END = re.compile(rb'end_header[ \t]*(\r\n|\n|\r)')
_LONGEST_HEADER = 1 << 20

_LONGEST_LIST = 1000
"""In rows that are read at once."""

Numbers = NDArray[Any]
Body = NDArray[np.uint8] | NDArray[np.float64]
"""Bytes, or the numbers of a text."""


@dataclass(frozen=True)
class Lists:
    """Lists of N rows."""

    lengths: NDArray[np.int64]
    """[N]."""
    values: Numbers
    """[sum of lengths]."""

    @property
    def starts(self) -> NDArray[np.int64]:
        """[N], where each list begins in `values`."""
        return np.cumsum(self.lengths) - self.lengths


@dataclass
class Element:
    """An element's columns: arrays [N], or lists."""

    count: int
    columns: dict[str, Numbers] = field(default_factory=dict)
    lists: dict[str, Lists] = field(default_factory=dict)
    properties: list[tuple[str, np.dtype[Any], np.dtype[Any] | None]] = field(default_factory=list)
    """Name, type, and type of the length of a list."""


@dataclass
class PlyFile:
    """The content of a PLY file."""

    elements: dict[str, Element]
    textures: list[str]
    """Names in `comment TextureFile` lines."""


def parse_ply(path: Path) -> PlyFile:
    """Parse a PLY file.

    :raises ValueError: it is no PLY file, or ends too early. :raises OSError: it cannot be read.
    """
    data = path.read_bytes()
    end = _END.search(data, 0, _LONGEST_HEADER)
    if not data.startswith(b'ply') or end is None:
        raise ValueError('it has no header of a PLY file')
    lines = data[: end.start()].decode('utf-8', 'surrogateescape').splitlines()
    layout = next((line.split()[1:2] for line in lines if line.startswith('format ')), [])
    if layout not in (['ascii'], ['binary_little_endian'], ['binary_big_endian']):
        raise ValueError('its header names no known format')
    order = '>' if layout == ['binary_big_endian'] else '<'
    file = _header(lines, order)
    if layout == ['ascii']:
        body = data[end.end() :]
        hint = 'has decimal commas' if b',' in body else 'is cut off, or damaged'
        _read_elements(file, _numbers(body), 0, False, hint)
    else:
        whole = np.frombuffer(data, dtype=np.uint8)
        _read_elements(file, whole, end.end(), order == '>', 'is cut off, or damaged')
    return file


def _header(lines: list[str], order: str) -> PlyFile:
    file = PlyFile({}, [])
    for line in lines:
        words = line.split()
        match words:
            case ['element', name, count] if count.isdecimal() and len(count) < 12:
                file.elements[name] = Element(int(count))
            case ['property', 'list', count, kind, name] if (
                file.elements
                and {
                    count,
                    kind,
                }
                <= _TYPES.keys()
            ):
                element = list(file.elements.values())[-1]
                types = np.dtype(order + _TYPES[kind]), np.dtype(order + _TYPES[count])
                element.properties.append((name, *types))
            case ['property', kind, name] if file.elements and kind in _TYPES:
                element = list(file.elements.values())[-1]
                element.properties.append((name, np.dtype(order + _TYPES[kind]), None))
            case ['element' | 'property', *_]:
                raise ValueError(f'cannot parse the line "{line[:80]}"')
            case ['comment' | 'obj_info', keyword, *rest] if rest and keyword.lower() in (
                'texturefile',
                'texturefile:',
            ):
                file.textures.append(line.split(None, 2)[2].strip())
    return file


def _numbers(text: bytes) -> NDArray[np.float64]:
    """Return the numbers in a text, up to the first word that is none."""
    with warnings.catch_warnings():
        # It warns of such a word.
        warnings.simplefilter('ignore', DeprecationWarning)
        return np.fromstring(text, dtype=np.float64, sep=' ')


def _read_elements(file: PlyFile, body: Body, at: int, is_big: bool, hint: str) -> None:
    """Read the elements, which begin at a place in the body.

    :param hint: why rows may be missing.
    :raises ValueError: the body ends too early.
    """
    for name, element in file.elements.items():
        least = sum(_width(body, count or kind) for _, kind, count in element.properties)
        end = -1
        if element.count * least <= len(body) - at:
            end = _read_equal_rows(element, body, at)
            end = _read_rows(element, body, at, is_big) if end < 0 else end
        if end < 0:
            raise ValueError(f'not all rows of its element "{name[:40]}" can be read: it {hint}')
        at = end


def _read_equal_rows(element: Element, body: Body, at: int) -> int:
    """Read rows whose lists are as long as those of the first row; return their end, or -1."""
    fields: list[tuple[Any, ...]] = []
    lengths, end = [], at
    for number, (_, kind, count) in enumerate(element.properties):
        length = 1
        if count is not None:
            first = body[end : end + _width(body, count)].view(_stored(body, count))
            if not element.count or len(first) != 1 or not 0 <= first[0] <= _LONGEST_LIST:
                return -1
            length = int(first[0])
            fields.append((f'length {number}', _stored(body, count)))
            end += _width(body, count)
        fields.append((f'{number}', _stored(body, kind), (length,)))
        lengths.append(length)
        end += _width(body, kind) * length
    end = at + element.count * (end - at)
    if end > len(body):
        return -1
    rows = body[at:end].view(np.dtype(fields)) if end > at else np.empty(0, np.dtype(fields))
    is_list = [count is not None for *_, count in element.properties]
    for number in np.flatnonzero(is_list):
        if (rows[f'length {number}'] != lengths[number]).any():
            return -1
    for number, (name, kind, _) in enumerate(element.properties):
        values = _converted(rows[f'{number}'].reshape(-1), kind)
        _keep(element, name, values, np.full(len(rows), lengths[number]), is_list[number])
    return end


def _read_rows(element: Element, body: Body, at: int, is_big: bool) -> int:
    """Read rows of any length; return their end, or -1 if the body ends before."""
    properties = element.properties
    widths = np.array([_width(body, kind) for _, kind, _ in properties])
    counts = np.array([0 if count is None else _width(body, count) for *_, count in properties])
    starts = np.empty((element.count, len(widths), 2), dtype=np.int64)
    end: int = find_lists(body, at, widths, counts, is_big, starts)
    if end < 0:
        return end
    for number, (name, kind, count) in enumerate(properties):
        place, lengths = starts[:, number].T
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        run = np.repeat(place, lengths) + widths[number] * within
        stored = body[run[:, None] + np.arange(widths[number])].view(_stored(body, kind))
        values = _converted(stored.reshape(-1), kind)
        _keep(element, name, values, lengths.copy(), count is not None)
    return end


def _keep(
    element: Element, name: str, values: Numbers, lengths: NDArray[np.int64], is_list: bool
) -> None:
    if is_list:
        element.lists[name] = Lists(lengths, values)
    else:
        element.columns[name] = values


def _stored(body: Body, kind: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of a value in the body: a text has been converted to float64."""
    return kind if body.itemsize == 1 else body.dtype


def _width(body: Body, kind: np.dtype[Any]) -> int:
    """Return the size of a value in the body: in bytes, or one number."""
    return kind.itemsize if body.itemsize == 1 else 1


def _converted(values: Numbers, kind: np.dtype[Any]) -> Numbers:
    with np.errstate(invalid='ignore', over='ignore'):
        return values.astype(kind.newbyteorder('='), copy=False)
