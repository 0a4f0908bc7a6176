"""Arrays in files beside a mesh: made once, and read at the next start.

A file is a .npz of NumPy without compression. Its arrays begin where they can be used in place, so
that several processes share one copy in memory.
"""

from __future__ import annotations

import hashlib
import io
import logging
import mmap
import os
import shutil
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.files import atomic_write, user_cache

Arrays = dict[str, NDArray[Any]]
_log = logging.getLogger(__name__)

_KEY = 'key'
# Where arrays begin in a file, in bytes: at multiples of a cache line.
_ALIGNMENT = 64
# Of a zip archive: the header before a member, without name and extra fields, and the extra field
# for large members, which zipfile appends.
_HEADER_BYTES, _ZIP64_BYTES = 30, 20
# The user's cache folder is kept below this; beside a mesh there is one file of each name.
_MOST_CACHED_BYTES = 8 << 30
_FAULTS = (OSError, ValueError, KeyError, EOFError, TypeError, struct.error, zipfile.BadZipFile)


def cache_file(mesh: Path, name: str) -> Path:
    """Return a cache file of a mesh: beside it, or in the user's cache folder.

    The latter if the mesh's folder is not writable.
    """
    file = f'{mesh.name}.{name}.npz'
    if os.access(mesh.parent, os.W_OK):
        return mesh.parent / file
    place = hashlib.blake2b(str(mesh.resolve()).encode(), digest_size=8).hexdigest()
    return _user_folder() / f'{place}-{file}'


def digest_of(arrays: Iterable[NDArray[Any]], text: str = '') -> str:
    """Return a hash of arrays and a text."""
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def read_arrays(file: Path, key: str, *, in_place: bool = False) -> Arrays | None:
    """Return the arrays of a file; None if there is none, or it was written for another key.

    A damaged file is one line in the log.

    :param in_place: use the file as memory. It must not be written to, but may be deleted.
    """
    if not file.is_file():
        return None
    try:
        return _mapped(file, key) if in_place else _loaded(file, key)
    except _FAULTS as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        _log.warning('%s is damaged (%s): it is made again', file, reason)
    return None


def write_arrays(file: Path, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays for a key. If they do not fit on the disk, only the next start takes longer."""
    size = sum(array.nbytes for array in arrays.values())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if 2 * size > shutil.disk_usage(file.parent).free:
            return
        if file.parent == _user_folder():
            _make_room(file.parent, size)
        with atomic_write(file) as temporary, temporary.open('wb') as stream:
            _write(stream, {_KEY: np.array(key), **arrays})
    except OSError:
        pass


def write_later(file: Path, key: str, arrays: Mapping[str, NDArray[Any]]) -> threading.Thread:
    """Write on a thread, for a gigabyte takes seconds. The process does not end before."""
    thread = threading.Thread(target=write_arrays, args=(file, key, arrays), name='cache arrays')
    thread.start()
    return thread


def _user_folder() -> Path:
    return user_cache() / 'mesh_reloc_ros'


def _make_room(folder: Path, size: int) -> None:
    """Remove the oldest files of the cache until another of this size may be added."""
    found = [(file.stat(), file) for file in folder.glob('*.npz')]
    total = size + sum(stat.st_size for stat, _ in found)
    for stat, file in sorted(found, key=lambda entry: entry[0].st_mtime):
        if total <= _MOST_CACHED_BYTES:
            break
        file.unlink(missing_ok=True)
        total -= stat.st_size


def _write(stream: Any, arrays: Arrays) -> None:
    with zipfile.ZipFile(stream, 'w') as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f'{name}.npy')
            begin = stream.tell() + _HEADER_BYTES + len(info.filename) + _ZIP64_BYTES
            # An extra field of an unknown kind: its head has four bytes.
            filling = -(begin + 4) % _ALIGNMENT
            info.extra = struct.pack('<HH', 0xFFFF, filling) + bytes(filling)
            with archive.open(info, 'w', force_zip64=True) as member:
                np.save(member, array, allow_pickle=False)


def _loaded(file: Path, key: str) -> Arrays | None:
    with np.load(file, allow_pickle=False) as content:
        if str(content[_KEY]) != key:
            return None
        return {name: content[name] for name in content.files if name != _KEY}


def _mapped(file: Path, key: str) -> Arrays | None:
    """Return arrays that lie in the file. A change of them stays in this process.

    :raises ValueError: the content of the file is not what was written.
    """
    with file.open('rb') as stream:
        memory = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
        with zipfile.ZipFile(stream) as archive:
            members = {info.filename.removesuffix('.npy'): info for info in archive.infolist()}
    if str(_member(memory, members.pop(_KEY))) != key:
        return None
    return {name: _member(memory, info) for name, info in members.items()}


def _member(memory: mmap.mmap, info: zipfile.ZipInfo) -> NDArray[Any]:
    name, extra = struct.unpack_from('<HH', memory, info.header_offset + _HEADER_BYTES - 4)
    begin = info.header_offset + _HEADER_BYTES + name + extra
    content = memoryview(memory)[begin : begin + info.file_size]
    # This also reads all of it from the disk, so that nothing waits for that later.
    if info.compress_type != zipfile.ZIP_STORED or zlib.crc32(content) != info.CRC:
        raise ValueError(f'{info.filename} is not what was written')
    head = io.BytesIO(content[: 1 << 10].tobytes())
    np.lib.format.read_magic(head)  # type: ignore[no-untyped-call]
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(head)  # type: ignore[no-untyped-call]
    if is_fortran or dtype.hasobject:
        raise ValueError(f'{info.filename} has another layout')
    count = int(np.prod(shape, dtype=np.int64))
    array: NDArray[Any] = np.frombuffer(content, dtype, count, head.tell()).reshape(shape)
    return array if array.flags.aligned else array.copy()
