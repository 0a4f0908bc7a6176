"""The mip levels of the textures of a mesh, without what lies between charts.

All textures and levels are stored in one array of texels, so that one gather operation samples
all materials on any device.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.texture import divide, mark_texels, weigh, weigh_fours
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.process import in_threads
from mesh_reloc_ros.progress import Progress, silent


def level_table(shapes: list[tuple[int, ...]]) -> NDArray[np.int64]:
    """Return first texel, width and height of each level of textures of shapes: [M, L, 3].

    The last level of a texture is repeated, if others have more.
    """
    sizes = [_level_sizes(height, width) for height, width, *_ in shapes]
    table = np.zeros((len(sizes), max(map(len, sizes)), 3), dtype=np.int64)
    offset = 0
    for number, of_texture in enumerate(sizes):
        for level, (width, height) in enumerate(of_texture):
            table[number, level:] = (offset, width, height)
            offset += width * height
    return table


def level_images(
    texels: NDArray[np.uint8], table: NDArray[np.int64]
) -> list[list[NDArray[np.uint8]]]:
    """Return the levels [H, W, 3] of each texture, the texture itself first, as parts of texels."""
    return [
        [
            texels[begin : begin + width * height].reshape(height, width, 3)
            for begin, width, height in dict.fromkeys(map(tuple, levels.tolist()))
        ]
        for levels in table
    ]


def texel_count(table: NDArray[np.int64]) -> int:
    """Return the number of texels of all textures and levels."""
    return int((table[..., 0] + table[..., 1] * table[..., 2]).max())


def filled_texels(
    mesh: TexturedMesh, table: NDArray[np.int64], progress: Progress = silent
) -> NDArray[np.uint8]:
    """Return the texels [T, 3] of all textures and levels, filled between charts.

    :param mesh: its `textures` are replaced by the first levels: what is in the texels need not be
        in memory twice.
    """
    stage = 'preparing textures'
    texels = np.empty((texel_count(table), 3), dtype=np.uint8)
    levels = level_images(texels, table)

    def fill(number: int) -> None:
        _fill_levels(mesh.textures[number], _covered_texels(mesh, number), levels[number])
        mesh.textures[number] = levels[number][0]

    progress(stage, 0.0)
    for done, _ in enumerate(in_threads(fill, range(len(levels))), start=1):
        progress(stage, done / len(levels))
    return texels


def _level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Return width and height of each mip level, down to one texel."""
    sizes = [(width, height)]
    while max(sizes[-1]) > 1:
        sizes.append((max(sizes[-1][0] // 2, 1), max(sizes[-1][1] // 2, 1)))
    return sizes


def _covered_texels(mesh: TexturedMesh, material: int) -> NDArray[np.bool_]:
    """Return the mask [H, W] of texels that a face uses, without the gaps between charts."""
    covered = np.zeros(mesh.textures[material].shape[:2], dtype=np.bool_)
    if not mesh.is_atlas or not mark_texels(
        mesh.uvs, mesh.faces, mesh.face_materials, material, covered
    ):
        # A repeating texture is not an atlas, either: all of it is used.
        covered[:] = True
    return covered


def _fill_levels(
    texture: NDArray[np.uint8], covered: NDArray[np.bool_], images: list[NDArray[np.uint8]]
) -> None:
    """Fill the images with the mip levels of the texture, without bleeding into the charts.

    Levels average only covered texels. Other texels are filled from the next coarser level
    (push-pull), so that the colour between charts does not show at their borders.
    """
    images[0][:] = texture
    empty = [~covered]
    weighted: NDArray[np.float32] | None = None
    for image in images[1:]:
        size = (image.shape[1], image.shape[0])
        weighted = (
            _first_halving(texture, covered, size) if weighted is None else _halved(weighted, size)
        )
        empty.append(weighted[..., 3] == 0)
        divide(weighted, image)
    for image, coarser, holes in zip(images[-2::-1], images[:0:-1], empty[-2::-1], strict=True):
        if holes.any():
            blurred = cv2.resize(coarser, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
            cv2.copyTo(blurred.reshape(image.shape), holes.view(np.uint8), image)


def _first_halving(
    texture: NDArray[np.uint8], covered: NDArray[np.bool_], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the first halving as colour times weight, and weight: [H / 2, W / 2, 4]."""
    height, width = covered.shape
    if height % 2 or width % 2:
        weighted = np.empty((height, width, 4), dtype=np.float32)
        weigh(texture, covered, weighted)
        return _halved(weighted, size)
    halved = np.empty((size[1], size[0], 4), dtype=np.float32)
    weigh_fours(texture, covered, halved)
    return halved


def _halved(weighted: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    halved = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
    return halved.reshape(size[1], size[0], 4)
