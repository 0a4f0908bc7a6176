"""Files that are there whole, or not at all."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text file to a temporary name first, then rename it.

    :raises OSError: it cannot be written; nothing is left behind.
    """
    temporary = path.with_name(f'{path.name}.part')
    try:
        temporary.write_text(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
