"""A mesh as data of a page, small enough to be sent around."""

from __future__ import annotations

import base64
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.mesh_io.winding import fronts_are_known
from mesh_reloc_ros.overlay.view import Image
from mesh_reloc_ros.types import Array
from mesh_reloc_tools.viewpoints import up_vector

# Of larger meshes a page has a simpler shape, with a new texture of this size.
_MOST_FACES, _SIMPLER, _PAINTED = 150_000, 80_000, 4096
# All textures together; with the largest shape a page has about 14 MB.
_MOST_TEXTURE_BYTES = 4_000_000
_QUALITY = 85
# Percentage of vertices ignored at either end of each axis: strays must not shrink the rest.
_STRAY = 0.5
_STEPS = 65535
# Sides from which the mesh may be seen first, and how steeply.
_SIDES, _STEEP = 12, 0.9


def mesh_data(mesh: TexturedMesh, up_axis: str) -> dict[str, Any]:
    """Return the mesh as `assets/viewer.js` reads it, about its origin."""
    if len(mesh.faces) > _MOST_FACES:
        # Imported here: the library is needed for large meshes only.
        from mesh_reloc_tools.simplification.decimation import decimated

        mesh = decimated(mesh, _SIMPLER, _PAINTED)
    low, high = np.percentile(mesh.vertices, (_STRAY, 100 - _STRAY), axis=0)
    pages = _pictures(mesh.textures)
    used = np.unique(mesh.face_materials).tolist()
    up, known = up_vector(up_axis), fronts_are_known(mesh)
    return {
        'up': up.tolist(),
        'away': _side_to_see(mesh, up, known).tolist(),
        'origin': mesh.origin.tolist(),
        'low': low.tolist(),
        'high': high.tolist(),
        'fronts_known': known,
        'parts': [{**_shape(mesh, number), 'texture': pages[number]} for number in used],
    }


def picture(image: Image, quality: int = _QUALITY) -> str:
    """Return an image as a JPEG that a page holds."""
    return f'data:image/jpeg;base64,{_base64(_jpeg(image, quality))}'


def _side_to_see(mesh: TexturedMesh, up: Array, fronts_known: bool) -> Array:
    """Return the direction [3] from the mesh to where one sees most of it, from above, aslant."""
    across = np.roll(up, 1)
    angles = np.arange(_SIDES) * 2 * np.pi / _SIDES + 0.4
    level = np.outer(np.cos(angles), across) + np.outer(np.sin(angles), np.cross(up, across))
    away = level + _STEEP * up
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    a, b, c = mesh.vertices[mesh.faces].astype(np.float64).transpose(1, 0, 2)
    seen = np.cross(b - a, c - a) @ away.T
    seen = seen.clip(0) if fronts_known else np.abs(seen)
    return np.asarray(away[seen.sum(0).argmax()])


def _shape(mesh: TexturedMesh, number: int) -> dict[str, Any]:
    """Return the faces of one texture."""
    used, faces = np.unique(mesh.faces[mesh.face_materials == number], return_inverse=True)
    return {
        'vertices': _packed(mesh.vertices[used]),
        'uvs': _packed(mesh.uvs[used]),
        'faces': _base64(faces.astype('<u4').tobytes()),
    }


def _packed(values: NDArray[np.float32]) -> dict[str, Any]:
    """Return columns [N, K] as 16-bit steps: of a room, less than a tenth of a millimetre each."""
    low = values.min(0).astype(np.float64)
    unit = np.ptp(values, axis=0).astype(np.float64) / _STEPS
    steps = (values - low) / np.where(unit > 0, unit, 1) + 0.5
    return {
        'low': low.tolist(),
        'unit': unit.tolist(),
        'steps': _base64(steps.astype('<u2').tobytes()),
    }


def _pictures(textures: list[Image]) -> list[str]:
    """Return textures as JPEGs, all shrunk alike until they are small enough together."""
    scale = 1.0
    while True:
        files = [_jpeg(_shrunk(texture, scale), _QUALITY) for texture in textures]
        size = sum(map(len, files))
        if size <= _MOST_TEXTURE_BYTES or scale < 1e-3:
            return [f'data:image/jpeg;base64,{_base64(file)}' for file in files]
        # Sharper textures have more bytes per pixel, so a little larger would not fit.
        scale *= max(0.95 * (_MOST_TEXTURE_BYTES / size) ** 0.5, 0.25)


def _shrunk(image: Image, scale: float) -> Image:
    if scale == 1:
        return image
    height, width = image.shape[:2]
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _jpeg(image: Image, quality: int) -> bytes:
    shown = np.ascontiguousarray(image[..., ::-1])
    return cv2.imencode('.jpg', shown, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode('ascii')
