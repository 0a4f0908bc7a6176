"""Opens bags as they are found: whole, cut, without metadata, as a single file, or of ROS 1."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings._cut_mcap import CutMcap

BAG_SUFFIXES = ('.mcap', '.db3', '.bag')
_METADATA = 'metadata.yaml'
_REMEDY = {
    '.mcap': 'it is no MCAP file, or broken: mcap recover repairs some',
    '.db3': ('repair it: sqlite3 broken.db3 ".recover" | sqlite3 repaired.db3'),
    '.bag': 'repair it: rosbag reindex',
}


class OpenBag(NamedTuple):
    """A bag that is open."""

    reader: AnyReader
    notices: list[str]
    """What is unusual in it, a line each."""


def is_bag_folder(path: Path) -> bool:
    """Whether a folder holds a bag."""
    return path.is_dir() and ((path / _METADATA).exists() or bool(_storage_files(path)))


def open_bag(path: Path) -> OpenBag:
    """Open the folder of a rosbag2 recording, or a file of one, or a bag of ROS 1.

    :raises InputError: it is missing, empty or unreadable.
    """
    if not path.exists():
        raise InputError(f'bag {path}: no such folder or file; give the folder of a recording')
    if path.is_file() and path.suffix.lower() not in BAG_SUFFIXES:
        raise InputError(f'bag {path} is no bag: give a folder, or a file .mcap, .db3 or .bag')
    if path.is_dir() and _is_compressed(path):
        return OpenBag(_opened([path], path), [])
    files = [path] if path.is_file() else _storage_files(path)
    if not files:
        raise InputError(
            f'bag {path} has no files .mcap, .db3 or .bag: give the folder of a recording; unpack'
            ' *.zstd without metadata.yaml with zstd -d'
        )
    return _opened_files(files, path)


def _opened_files(files: list[Path], path: Path) -> OpenBag:
    """Open the files themselves: metadata.yaml may be missing, or of before a repair."""
    try:
        return OpenBag(_opened(files, path), _unread(files))
    except InputError:
        mended, notices = _mended(files)
        if not notices:
            raise
    return OpenBag(_opened(mended, path), notices)


def _unread(files: list[Path]) -> list[str]:
    """Say which SQLite files have messages in a file beside them, where a recorder was killed."""
    logs = (file.with_name(f'{file.name}-wal') for file in files)
    return [
        f'{log.name} has messages that are not read: sqlite3 {log.name.removesuffix("-wal")}'
        ' "PRAGMA wal_checkpoint(TRUNCATE)" moves them into the bag'
        for log in logs
        if log.is_file() and log.stat().st_size
    ]


def _mended(files: list[Path]) -> tuple[list[Any], list[str]]:
    """Return stand-ins for MCAP files that are cut, and what is said of them."""
    mended: list[Any] = []
    notices = []
    for file in files:
        cut = _as_cut(file)
        mended.append(cut or file)
        if cut is not None:
            notices.append(
                f'{file.name} is cut off: it was not closed; its last {cut.lost_bytes:,} bytes are'
                ' lost'
            )
    return mended, notices


def _as_cut(file: Path) -> CutMcap | None:
    """Return a stand-in for a cut MCAP file; None for one that is whole, or is no MCAP file."""
    if file.suffix.lower() != '.mcap':
        return None
    try:
        _opened([file], file).close()
    except InputError:
        with suppress(OSError, ValueError):
            return CutMcap(file)
    return None


def _opened(paths: Sequence[Any], path: Path) -> AnyReader:
    try:
        # Bags written before ROS 2 Iron do not describe their message types themselves.
        reader = AnyReader(paths, default_typestore=get_typestore(Stores.LATEST))
        reader.open()
    # Broken files make rosbags raise exceptions of many kinds.
    except Exception as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        remedy = _REMEDY.get(paths[0].suffix.lower(), 'repair it: ros2 bag reindex')
        raise InputError(f'bag {path} cannot be read ({reason}): {remedy}') from error
    return reader


def _storage_files(folder: Path) -> list[Path]:
    """Return the files that metadata.yaml names and that are there, else all of one kind."""
    listed = _metadata(folder).get('relative_file_paths')
    if isinstance(listed, list):
        named = [folder / Path(str(name)).name for name in listed]
        present = [file for file in named if file.is_file() and file.suffix in BAG_SUFFIXES]
        if present:
            return present
    for suffix in BAG_SUFFIXES:
        found = sorted(file for file in folder.glob(f'*{suffix}') if file.is_file())
        if found:
            return found
    return []


def _is_compressed(folder: Path) -> bool:
    """Whether files or messages are compressed, which only metadata.yaml tells."""
    return str(_metadata(folder).get('compression_mode') or 'none').lower() != 'none'


def _metadata(folder: Path) -> dict[str, Any]:
    """Return what metadata.yaml says; nothing if it is missing or broken."""
    try:
        content = yaml.safe_load((folder / _METADATA).read_text())
        information = content['rosbag2_bagfile_information']
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return {}
    return information if isinstance(information, dict) else {}
