"""Textures with the same content are one: else, where two meet, each would lack the other's texels.

Some programs write an image file for each material, though all show the same image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io._content import Texture, Tiles
from mesh_reloc_ros.process import in_threads

_BLOCK_BYTES = 1 << 20


def distinct(textures: Sequence[Texture]) -> tuple[dict[str, Texture], NDArray[np.int32]]:
    """Return each texture once, by a hash of its content, and the place of each [N] there."""
    contents = list(in_threads(_digest, textures))
    found = dict(zip(reversed(contents), reversed(textures), strict=True))
    places = {content: place for place, content in enumerate(dict.fromkeys(contents))}
    numbers = np.array([places[content] for content in contents], dtype=np.int32)
    return {content: found[content] for content in places}, numbers


def _digest(texture: Texture) -> str:
    if isinstance(texture, Tiles):
        parts = [f'{place} {_digest(file)}' for place, file in sorted(texture.files.items())]
        return _hashed('tiles', *parts)
    if isinstance(texture, Path):
        return _of_file(texture)
    if isinstance(texture, np.ndarray):
        content = np.ascontiguousarray(texture).data
        return _hashed('array', str(texture.shape), _of_bytes(content))
    if isinstance(texture, bytes):
        return _hashed('file', _of_bytes(texture))
    return _hashed('colour', str(texture))


def _of_bytes(content: bytes | memoryview) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _of_file(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    try:
        with path.open('rb') as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    # What is wrong with it is said when it is read.
    except (OSError, ValueError):
        return _hashed('no file', str(path))
    return _hashed('file', digest.hexdigest())


def _hashed(*parts: str) -> str:
    text = ' '.join(parts).encode('utf-8', 'surrogateescape')
    return hashlib.blake2b(text, digest_size=16).hexdigest()
