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

Numbers = NDArray[Any]


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
        _read_text(data[end.end() :], file)
    else:
        _read_binary(np.frombuffer(data, dtype=np.uint8), end.end(), file, order == '>')
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


def _read_text(body: bytes, file: PlyFile) -> None:
    with warnings.catch_warnings():
        # It warns of words that are no numbers: then numbers are missing.
        warnings.simplefilter('ignore', DeprecationWarning)
        numbers = np.fromstring(body, dtype=np.float64, sep=' ')
    at = 0
    for name, element in file.elements.items():
        widths = np.ones(len(element.properties), dtype=np.int64)
        counts = np.array([kind is not None for *_, kind in element.properties], dtype=np.int64)
        _require(element.count * len(widths) <= len(numbers) - at, name, b',' in body)
        starts = np.empty((element.count, len(widths), 2), dtype=np.int64)
        at = find_lists(numbers, at, widths, counts, False, starts)
        _require(at >= 0, name, b',' in body)
        for column, (field_name, kind, is_list) in enumerate(element.properties):
            place, length = starts[:, column].T
            with np.errstate(invalid='ignore', over='ignore'):
                if is_list is None:
                    element.columns[field_name] = numbers[place].astype(kind)
                else:
                    values = numbers[_run(place, length, 1)].astype(kind)
                    element.lists[field_name] = Lists(length.copy(), values)


def _read_binary(data: NDArray[np.uint8], at: int, file: PlyFile, is_big: bool) -> None:
    for name, element in file.elements.items():
        if not element.properties:
            continue
        least = sum((count or kind).itemsize for _, kind, count in element.properties)
        _require(element.count * least <= len(data) - at, name, False)
        if all(count is None for *_, count in element.properties):
            row = np.dtype([(f'{k}', kind) for k, (_, kind, _) in enumerate(element.properties)])
            rows = data[at : at + element.count * least].view(row)
            for k, (field_name, _, _) in enumerate(element.properties):
                element.columns[field_name] = rows[f'{k}']
            at += element.count * least
            continue
        widths = np.array([kind.itemsize for _, kind, _ in element.properties])
        counts = np.array([0 if c is None else c.itemsize for *_, c in element.properties])
        starts = np.empty((element.count, len(widths), 2), dtype=np.int64)
        at = find_lists(data, at, widths, counts, is_big, starts)
        _require(at >= 0, name, False)
        for column, (field_name, kind, count) in enumerate(element.properties):
            place, length = starts[:, column].T
            run = _run(place, length, kind.itemsize)
            values = data[run[:, None] + np.arange(kind.itemsize)].view(kind).reshape(-1)
            if count is None:
                element.columns[field_name] = values
            else:
                element.lists[field_name] = Lists(length.copy(), values)


def _run(place: NDArray[np.int64], length: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Return the place of every value of lists that begin at `place` [N]."""
    within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    return np.repeat(place, length) + width * within


def _require(is_there: bool, element: str, has_commas: bool) -> None:
    if not is_there:
        reason = 'it has decimal commas' if has_commas else 'it is cut off, or damaged'
        raise ValueError(f'not all rows of its element "{element[:40]}" can be read: {reason}')
