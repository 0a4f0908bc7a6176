"""The corner of a room with a box in it, as OBJ + MTL + PNG, and views of it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(width=320, height=240, fx=260.0, fy=260.0, cx=161.5, cy=117.0)

# Corners of each quadrilateral, in metres; z is up.
_QUADS = {
    'floor': ((-2, -2, 0), (2, -2, 0), (2, 2, 0), (-2, 2, 0)),
    'wall': ((-2, 2, 0), (2, 2, 0), (2, 2, 3), (-2, 2, 3)),
    'side': ((2, 2, 0), (2, -2, 0), (2, -2, 3), (2, 2, 3)),
    'box_front': ((-0.4, 0.6, 0), (0.4, 0.6, 0), (0.4, 0.6, 0.8), (-0.4, 0.6, 0.8)),
    'box_side': ((0.4, 0.6, 0), (0.4, 1.4, 0), (0.4, 1.4, 0.8), (0.4, 0.6, 0.8)),
    'box_top': ((-0.4, 0.6, 0.8), (0.4, 0.6, 0.8), (0.4, 1.4, 0.8), (-0.4, 1.4, 0.8)),
}


@dataclass(frozen=True)
class SmallRoom:
    """The mesh file and what the camera sees of it."""

    mesh: Path

    @cached_property
    def scene(self) -> Scene:
        return Scene.load(self.mesh, device='cpu', rasterizer='embree')

    def view(self, map_T_camera: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the image [240, 320, 3] at a pose."""
        colour = self.scene.render(torch.from_numpy(map_T_camera), CAMERA).colour[0].numpy()
        return (255 * colour).round().astype(np.uint8)


def write_small_room(folder: Path) -> SmallRoom:
    """Write the mesh, each surface with a texture of its own."""
    obj, mtl = ['mtllib room.mtl'], []
    for number, (name, corners) in enumerate(_QUADS.items()):
        cv2.imwrite(str(folder / f'{name}.png'), clouds(seed=number))
        mtl += [f'newmtl {name}', f'map_Kd {name}.png']
        obj += [f'v {x} {y} {z}' for x, y, z in corners]
        obj += ['vt 0 0', 'vt 1 0', 'vt 1 1', 'vt 0 1', f'usemtl {name}']
        a, b, c, d = (4 * number + corner for corner in (1, 2, 3, 4))
        obj += [f'f {a}/{a} {b}/{b} {c}/{c}', f'f {a}/{a} {c}/{c} {d}/{d}']
    (folder / 'room.mtl').write_text('\n'.join(mtl) + '\n')
    (folder / 'room.obj').write_text('\n'.join(obj) + '\n')
    return SmallRoom(folder / 'room.obj')


def clouds(seed: int) -> NDArray[np.uint8]:
    """Return coloured clouds of several sizes, [512, 512, 3]."""
    rng = np.random.default_rng(seed)
    clouds = [
        weight * cv2.resize(rng.normal(size=(n, n, 3)), (512, 512), interpolation=cv2.INTER_CUBIC)
        for n, weight in ((6, 30.0), (20, 25.0), (60, 15.0))
    ]
    return np.clip(125 + sum(clouds), 0, 255).astype(np.uint8)


def pose_at(step: float) -> NDArray[np.float64]:
    """Return a pose [4, 4] on a hand-held path past the box; steps of 1 are a frame apart."""
    position = (-0.3 + 0.03 * step, -1.6 + 0.01 * step, 1.3 + 0.02 * np.sin(step))
    return looking(position, heading_deg=80.0 + 0.5 * step, down_deg=12.0 + 0.4 * np.cos(step))


def looking(
    position: tuple[float, ...], heading_deg: float, down_deg: float
) -> NDArray[np.float64]:
    """Return the pose [4, 4] of a level camera's optical frame; heading 0 looks along x."""
    pose = np.eye(4)
    turn = Rotation.from_euler('z', heading_deg - 90.0, degrees=True)
    # Optical axes of a camera that looks along y: x right, y down, z forward.
    level = Rotation.from_matrix(np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]))
    pose[:3, :3] = (turn * level * Rotation.from_euler('x', -down_deg, degrees=True)).as_matrix()
    pose[:3, 3] = position
    return pose


def error(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Return the distance in metres and the angle in degrees between two poses [4, 4]."""
    turn = Rotation.from_matrix(a[:3, :3].T @ b[:3, :3]).magnitude()
    return float(np.linalg.norm(a[:3, 3] - b[:3, 3])), float(np.degrees(turn))


def perturbed(
    pose: NDArray[np.float64], seed: int, metres: float, degrees: float
) -> NDArray[np.float64]:
    """Return a pose [4, 4] off by this distance and angle, in seeded random directions."""
    rng = np.random.default_rng(seed)
    shift, axis = rng.normal(size=(2, 3))
    off = np.eye(4)
    turn = np.radians(degrees) * axis / np.linalg.norm(axis)
    off[:3, :3] = pose[:3, :3] @ Rotation.from_rotvec(turn).as_matrix()
    off[:3, 3] = pose[:3, 3] + metres * shift / np.linalg.norm(shift)
    off[3, 3] = 1
    return off


def photographed(
    image: NDArray[np.uint8],
    seed: int,
    gain: tuple[float, ...] = (1.0, 1.0, 1.0),
    offset: tuple[float, ...] = (0.0, 0.0, 0.0),
    noise: float = 5.0,
) -> NDArray[np.uint8]:
    """Return an image as a camera takes it: with a gain and an offset per channel, and noise."""
    rng = np.random.default_rng(seed)
    seen = image * np.array(gain) + np.array(offset) + rng.normal(scale=noise, size=image.shape)
    return seen.round().clip(0, 255).astype(np.uint8)
