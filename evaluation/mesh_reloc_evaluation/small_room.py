"""A small textured scene, made in a moment: the corner of a room with a box in it."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(width=320, height=240, fx=260.0, fy=260.0, cx=161.5, cy=117.0)

# Corners of each surface in metres, counterclockwise as seen from inside; z is up.
_SURFACES = {
    'floor': ((-2, -2, 0), (2, -2, 0), (2, 2, 0), (-2, 2, 0)),
    'wall': ((-2, 2, 0), (2, 2, 0), (2, 2, 3), (-2, 2, 3)),
    'side': ((2, 2, 0), (2, -2, 0), (2, -2, 3), (2, 2, 3)),
    'box_front': ((-0.4, 0.6, 0), (0.4, 0.6, 0), (0.4, 0.6, 0.8), (-0.4, 0.6, 0.8)),
    'box_side': ((0.4, 0.6, 0), (0.4, 1.4, 0), (0.4, 1.4, 0.8), (0.4, 0.6, 0.8)),
    'box_top': ((-0.4, 0.6, 0.8), (0.4, 0.6, 0.8), (0.4, 1.4, 0.8), (-0.4, 1.4, 0.8)),
}
_TEXELS = 512
PATH_STEPS = -20.0, 50.0
"""Steps of `pose_at` from which the camera sees the box."""
# How many random colours lie along a side of a texture, and their deviation in grey levels.
_CLOUDS = ((6, 30.0), (20, 25.0), (60, 15.0))


def small_room_mesh() -> TexturedMesh:
    """Return the room; each surface has its own texture."""
    count = len(_SURFACES)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)
    return TexturedMesh(
        vertices=np.array(list(_SURFACES.values()), dtype=np.float32).reshape(-1, 3),
        faces=np.concatenate([triangles + 4 * number for number in range(count)]),
        uvs=np.tile(np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=np.float32), (count, 1)),
        face_materials=np.repeat(np.arange(count, dtype=np.int32), 2),
        textures=[np.ascontiguousarray(clouds(number)[..., ::-1]) for number in range(count)],
    )


def clouds(seed: int) -> NDArray[np.uint8]:
    """Return an image [512, 512, 3] of coloured clouds of several sizes."""
    rng = np.random.default_rng(seed)
    layers = [
        deviation
        * cv2.resize(
            rng.normal(size=(count, count, 3)), (_TEXELS, _TEXELS), interpolation=cv2.INTER_CUBIC
        )
        for count, deviation in _CLOUDS
    ]
    return np.asarray(np.clip(125 + sum(layers), 0, 255), dtype=np.uint8)


def pose_at(step: float) -> NDArray[np.float64]:
    """Return map_T_camera [4, 4] on the path of a hand-held camera past the box.

    :param step: position on the path; see `PATH_STEPS`. Images are usually one step apart.
    """
    position = (-0.3 + 0.03 * step, -1.6 + 0.01 * step, 1.3 + 0.02 * np.sin(step))
    return looking(position, heading_deg=80.0 + 0.5 * step, down_deg=12.0 + 0.4 * np.cos(step))


def looking(
    position: tuple[float, ...], heading_deg: float, down_deg: float
) -> NDArray[np.float64]:
    """Return map_T_camera [4, 4] of a camera without roll.

    :param position: [3], metres. :param heading_deg: 0 looks along x, 90 along y.
    :param down_deg: how far it looks below the horizon.
    """
    pose = np.eye(4)
    turn = Rotation.from_euler('z', heading_deg - 90.0, degrees=True)
    # Optical axes of a camera that looks along y: x right, y down, z forward.
    level = Rotation.from_matrix(np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]))
    pose[:3, :3] = (turn * level * Rotation.from_euler('x', -down_deg, degrees=True)).as_matrix()
    pose[:3, 3] = position
    return pose


def rendered(
    scene: Scene, map_T_camera: NDArray[np.float64], camera: Camera = CAMERA
) -> NDArray[np.uint8]:
    """Return the image [H, W, 3] of a scene from a pose [4, 4]."""
    colour = scene.render(torch.from_numpy(map_T_camera), camera).colour[0]
    return np.asarray((255 * colour.cpu().numpy()).round(), dtype=np.uint8)


def photographed(
    image: NDArray[np.uint8],
    seed: int,
    gain: tuple[float, ...] = (1.0, 1.0, 1.0),
    offset: tuple[float, ...] = (0.0, 0.0, 0.0),
    noise: float = 5.0,
) -> NDArray[np.uint8]:
    """Return a rendered image [H, W, 3] as a camera takes it.

    :param gain: by channel. :param offset: by channel, in grey levels.
    :param noise: standard deviation of white noise, in grey levels.
    """
    rng = np.random.default_rng(seed)
    seen = image * np.array(gain) + np.array(offset) + rng.normal(scale=noise, size=image.shape)
    return np.asarray(seen.round().clip(0, 255), dtype=np.uint8)
