"""A cut MCAP file as a whole one: what a recorder that was killed left behind can be read.

The end of an MCAP file is an index of its chunks. Without it, the index is made again from the
records that are whole, and is read as if it followed them. The records are described at
https://mcap.dev/spec.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

_MAGIC = b'\x89MCAP0\r\n'
_FOOTER, _CHUNK, _MESSAGE_INDEX, _CHUNK_INDEX, _STATISTICS, _DATA_END = 2, 6, 7, 8, 11, 15
_KNOWN = range(1, 16)
_LONGEST_NAME = 16
"""Of a compression, as `zstd`."""


class _Record(NamedTuple):
    kind: int
    begin: int
    end: int
    """The place after it."""


class _Chunk(NamedTuple):
    record: _Record
    indexes: list[_Record]


class CutMcap:
    """Stands for the path of a cut file, for rosbags: opened, it shows the file with an index."""

    def __init__(self, path: Path) -> None:
        """Read where records begin and end.

        :raises OSError: the file cannot be read. :raises ValueError: a record is broken.
        """
        self._path = path
        self.suffix, self.stem = path.suffix, path.stem
        size = path.stat().st_size
        with path.open('rb') as file:
            records = _whole_records(file, size)
            chunks, self._length = _usable(records)
            try:
                body = b''.join(_chunk_index(file, chunk) for chunk in chunks)
            except struct.error as error:
                raise ValueError('a chunk is broken') from error
        # The reader counts the messages itself.
        statistics = _record(_STATISTICS, struct.pack('<QHIIIIQQI', *(0,) * 9))
        start = self._length if chunks else 0
        footer = _record(_FOOTER, struct.pack('<QQI', start, 0, 0))
        self._tail = (body + statistics if chunks else b'') + footer + _MAGIC
        self.lost_bytes = size - self._length
        """Bytes at the end of the file that are in no whole record."""

    def __str__(self) -> str:
        return str(self._path)

    def exists(self) -> bool:
        """Whether the file is there."""
        return self._path.exists()

    def is_dir(self) -> bool:
        """Return False: it is a file."""
        return False

    def open(self, *_: Any, **__: Any) -> BinaryIO:
        """Open the file with its index."""
        raw = _Joined(self._path.open('rb'), self._length, self._tail)
        return io.BufferedReader(raw)


class _Joined(io.RawIOBase):
    """The beginning of a file, followed by other bytes."""

    def __init__(self, file: BinaryIO, length: int, tail: bytes) -> None:
        super().__init__()
        self._file, self._length, self._tail = file, length, tail
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._place, self._length + len(self._tail))[whence]
        self._place = base + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        wanted = len(buffer)
        if self._place < self._length:
            self._file.seek(self._place)
            data = self._file.read(min(wanted, self._length - self._place))
        else:
            begin = self._place - self._length
            data = self._tail[begin : begin + wanted]
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def _whole_records(file: BinaryIO, size: int) -> list[_Record]:
    """Return the records that are whole, up to the end of the data."""
    records: list[_Record] = []
    place = len(_MAGIC)
    file.seek(place)
    while len(head := file.read(9)) == 9:
        kind, length = struct.unpack('<BQ', head)
        end = place + 9 + length
        if kind not in _KNOWN or kind in (_DATA_END, _FOOTER) or end > size:
            break
        records.append(_Record(kind, place, end))
        place = file.seek(end)
    return records


def _usable(records: list[_Record]) -> tuple[list[_Chunk], int]:
    """Return the chunks with an index of their messages, and the length of the file up to them.

    Without chunks, the messages themselves are records, and all of them are usable.
    """
    chunks: list[_Chunk] = []
    length = records[-1].end if records else len(_MAGIC)
    for record in records:
        if record.kind == _CHUNK:
            chunks.append(_Chunk(record, []))
        elif record.kind == _MESSAGE_INDEX and chunks:
            chunks[-1].indexes.append(record)
    if chunks and not chunks[-1].indexes:
        length = chunks.pop().record.begin
    return [chunk for chunk in chunks if chunk.indexes], length


def _chunk_index(file: BinaryIO, chunk: _Chunk) -> bytes:
    """Return the record that says what is in a chunk."""
    begin, end = chunk.record.begin, chunk.record.end
    file.seek(begin + 9)
    first_ns, last_ns, size, _, length = struct.unpack('<QQQII', file.read(32))
    compression = file.read(min(length, _LONGEST_NAME))
    (compressed,) = struct.unpack('<Q', file.read(8))
    places = b''
    for index in chunk.indexes:
        file.seek(index.begin + 9)
        places += file.read(2) + struct.pack('<Q', index.begin)
    content = struct.pack('<QQQQI', first_ns, last_ns, begin, end - begin, len(places)) + places
    content += struct.pack('<Q', chunk.indexes[-1].end - end)
    content += struct.pack('<I', length) + compression
    content += struct.pack('<QQ', compressed, size)
    return _record(_CHUNK_INDEX, content)


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack('<BQ', kind, len(content)) + content
