"""Paths as users write them, and files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mesh_reloc_ros.errors import InputError

_unfinished: set[Path] = set()


def absolute(path: str, name: str) -> Path:
    """Return an absolute path, `~` resolved.

    :param name: what the user calls it.
    :raises InputError: it begins with the home of a user who does not exist.
    """
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise InputError(f'{name}: {path}: there is no such home folder') from error


def user_cache() -> Path:
    """Return the user's folder for data that programs can create again: `$XDG_CACHE_HOME`.

    It may not exist, and may not be writable.
    """
    try:
        return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
    except RuntimeError:
        # A user without a home folder, as of a service or in a container.
        return Path('/var/cache')


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to, and rename it to `path` when the body ends well.

    :raises OSError: it cannot be written; nothing is left behind.
    """
    # Of this process alone, as two may write the same file.
    temporary = path.with_name(f'{path.name}.{os.getpid()}.part')
    _unfinished.add(temporary)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        _unfinished.discard(temporary)


def discard_unfinished() -> None:
    """Remove the files that are being written, before the process ends while it writes them."""
    for temporary in tuple(_unfinished):
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text file whole; see `atomic_write`.

    :raises OSError: it cannot be written; nothing is left behind.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(text)
