"""What is in a mesh file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.mesh_io.winding import fronts_are_known
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.types import Array
from mesh_reloc_tools.info.findings import Findings

# Focal length of a usual camera as a multiple of the image's width: 64 degrees across.
_FOCAL_PER_WIDTH = 0.8
_WIDTHS = (640, 1920)
# Rooms and sites in metres are of such a size.
_LEAST_M, _MOST_M = 0.5, 500.0
# A surface that faces an axis: its normal is within 20 degrees of it.
_FACING = 0.94
_AXES = ('x', 'y', 'z', '-x', '-y', '-z')
_MOST_TEXTURES = 6
_LARGE_SHARE = 0.05


def inspect_mesh(path: Path, progress: Progress = silent) -> Findings:
    """Return size, texture and orientation of a mesh."""
    found = Findings(str(path), 'mesh')
    try:
        mesh = load_mesh(path, progress)
    except InputError as error:
        found.problem('unreadable', error)
        return found
    normals, areas = _faces(mesh)
    _size(found, mesh)
    _textures(found, mesh, areas)
    _texels(found, mesh, areas)
    _orientation(found, mesh, normals, areas)
    # The first tells the size.
    for notice in mesh.notices[1:]:
        found.note('file', notice)
    return found


def _faces(mesh: TexturedMesh) -> tuple[Array, Array]:
    """Return normals [F, 3], zero for faces without an area, and areas [F] in square metres."""
    a, b, c = mesh.vertices[mesh.faces].astype(np.float64).transpose(1, 0, 2)
    cross = np.cross(b - a, c - a)
    length = np.linalg.norm(cross, axis=1)
    return cross / np.maximum(length, 1e-300)[:, None], length / 2


def _size(found: Findings, mesh: TexturedMesh) -> None:
    low, high = mesh.vertices.min(0) + mesh.origin, mesh.vertices.max(0) + mesh.origin
    extent = (high - low).tolist()
    sides = ' x '.join(f'{side:,.4g}' for side in extent)
    found.fact('size', f'{sides} m, if its unit is the metre', extent_m=extent)
    box = ', '.join(
        f'{axis} {_number(lower)} to {_number(upper)}'
        for axis, lower, upper in zip('xyz', low.tolist(), high.tolist(), strict=True)
    )
    found.fact('box', box, low_m=low.tolist(), high_m=high.tolist())
    largest = max(extent)
    if not _LEAST_M <= largest <= _MOST_M:
        unit, scale = ('millimetres', 0.001) if largest > 1000 else ('centimetres', 0.01)
        guess = (
            f'if it is in {unit}, scale it by {scale:g}'
            if largest > _MOST_M
            else ('if the object is larger, scale the mesh to metres')
        )
        found.note('unit', f'{largest:,.4g} m is unusual for a place: {guess}')
    found.numbers['origin_m'] = mesh.origin.tolist()


def _textures(found: Findings, mesh: TexturedMesh, areas: Array) -> None:
    found.fact(
        'faces',
        f'{len(mesh.faces):,}, {len(mesh.vertices):,} vertices, {areas.sum():,.4g} m2',
        faces=len(mesh.faces),
        vertices=len(mesh.vertices),
        area_m2=float(areas.sum()),
    )
    count = np.bincount(mesh.face_materials, minlength=len(mesh.textures))
    pages = [
        {'width': texture.shape[1], 'height': texture.shape[0], 'faces': int(faces)}
        for texture, faces in zip(mesh.textures, count, strict=True)
        if texture.shape[:2] != (1, 1)
    ]
    found.numbers['textures'] = pages
    for number, page in enumerate(pages[:_MOST_TEXTURES], start=1):
        text = f'{page["width"]}x{page["height"]}, on {page["faces"]:,} faces'
        found.fact(f'texture {number}', text)
    if len(pages) > _MOST_TEXTURES:
        found.fact('textures', f'{len(pages)} in all')
    plain = float(areas[mesh.is_plain].sum() / max(areas.sum(), 1e-300))
    found.numbers['untextured_share'] = plain
    text = f'{plain:.1%} of the surface'
    if plain > _LARGE_SHARE:
        found.note('untextured', f'{text}: images that show mostly this are not localized')
    else:
        found.fact('untextured', text)


def _texels(found: Findings, mesh: TexturedMesh, areas: Array) -> None:
    """Say how fine the texture is, and from where images show as much."""
    sizes = np.array([texture.shape[0] * texture.shape[1] for texture in mesh.textures])
    uvs = mesh.uvs[mesh.faces].astype(np.float64)
    first, second = (uvs[:, corner] - uvs[:, 0] for corner in (1, 2))
    covered = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2
    texels = covered * sizes[mesh.face_materials]
    is_known = ~mesh.is_plain & (texels > 0) & (areas > 0)
    if not is_known.any():
        found.problem('texel', 'the texture coordinates of all faces are points: unwrap the mesh')
        return
    side = _quantile(np.sqrt(areas[is_known] / texels[is_known]), areas[is_known], 0.5)
    near = [(width, side * _FOCAL_PER_WIDTH * width) for width in _WIDTHS]
    text = f'{_length(side)}: as fine as images {near[0][0]} pixels wide from {_length(near[0][1])}'
    text += f', {near[1][0]} pixels wide from {_length(near[1][1])}; nearer, the mesh is blurred'
    found.fact('texel', text, texel_m=side)


def _orientation(found: Findings, mesh: TexturedMesh, normals: Array, areas: Array) -> None:
    if fronts_are_known(mesh):
        found.fact('winding', 'faces agree on their front', fronts_are_known=True)
    else:
        text = 'faces do not agree on their front: both sides are searched, which takes longer'
        found.note('winding', text)
        found.numbers['fronts_are_known'] = False
    facing = np.concatenate((normals > _FACING, normals < -_FACING), axis=1)
    shares = (facing * areas[:, None]).sum(0) / max(areas.sum(), 1e-300)
    found.numbers['facing'] = dict(zip(_AXES, shares.tolist(), strict=True))
    up, most = shares[2], int(shares.argmax())
    if up >= shares[most] / 2:
        found.fact('up', f'z is assumed; {up:.0%} of the surface faces it')
    else:
        found.note(
            'up',
            f'z is assumed, but {up:.1%} of the surface faces it, and {_AXES[most]} has'
            f' {shares[most]:.0%}: if another axis is up, set relocalization.up_axis',
        )


def _quantile(values: Array, weights: Array, share: float) -> float:
    order: NDArray[np.intp] = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, share * total[-1])])


def _number(metres: float) -> str:
    return f'{metres:,.1f}' if abs(metres) >= 1000 else f'{metres:.4g}'


def _length(metres: float) -> str:
    if metres >= 10:
        return f'{metres:,.0f} m'
    return f'{1000 * metres:.2g} mm' if metres < 0.1 else f'{metres:.2g} m'
