"""Images of something else altogether: other rooms, photographs, textures, noise, patterns."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

from mesh_reloc_evaluation.out_of_map.patterns import PATTERNS
from mesh_reloc_evaluation.painted_room.mesh_files import MESH_NAME, write_mesh
from mesh_reloc_evaluation.painted_room.room.dimensions import HEIGHT, LENGTH, WIDTH
from mesh_reloc_evaluation.painted_room.room.room import room
from mesh_reloc_evaluation.stress.footage import Array, Image
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

Rng = np.random.Generator

# How often a kind comes for each time that every pattern comes once: what looks like a place is the
# harder test.
_ROOMS, _PHOTOGRAPHS, _CUTOUTS = 4, 3, 2
# How far walls and things should be from a camera in the sample's room.
_MARGIN_M = 0.5


class Foreign:
    """As many such images as are wanted, by number, the same each time."""

    def __init__(
        self, camera: Camera, mesh: TexturedMesh, other: Scene | None, photographs: list[Image]
    ) -> None:
        """Prepare.

        :param camera: whose size the images have. :param mesh: of the map; cut-outs of its textures
            are shown. :param other: the sample's room, to be rendered; None: no renders.
        :param photographs: images [H, W, 3] of another place, of any size.
        """
        self._camera = camera
        self._kinds: list[tuple[str, Callable[[Rng], Image]]] = []
        if other is not None:
            self._kinds += [('room', lambda rng: _rendered(other, camera, rng))] * _ROOMS
        if photographs:
            self._kinds += [('photograph', self._view_of(photographs))] * _PHOTOGRAPHS
        self._kinds += [('texture of the map', self._cutout_of(mesh.textures))] * _CUTOUTS
        size = {'width': camera.width, 'height': camera.height}
        self._kinds += [(name, partial(draw, **size)) for name, draw in PATTERNS.items()]

    def image(self, number: int) -> tuple[str, Image]:
        """Return the kind and the image [H, W, 3] of a number."""
        kind, make = self._kinds[number % len(self._kinds)]
        return kind, make(np.random.default_rng((7, number)))

    def scenes(self, count: int) -> list[Image]:
        """Return the first images that look most like a place."""
        best = self._kinds[0][0]
        numbers = (n for n in range(count * len(self._kinds)) if self._kind(n) == best)
        return [self.image(number)[1] for number, _ in zip(numbers, range(count), strict=False)]

    def _kind(self, number: int) -> str:
        return self._kinds[number % len(self._kinds)][0]

    def _view_of(self, photographs: list[Image]) -> Callable[[Rng], Image]:
        """Return what gives a part of a photograph, or all of it, flipped half of the time."""

        def make(rng: Rng) -> Image:
            whole = photographs[int(rng.integers(len(photographs)))]
            height, width = self._camera.height, self._camera.width
            largest = min(whole.shape[0] / height, whole.shape[1] / width)
            scale = largest * rng.uniform(0.4, 1.0)
            rows, columns = int(scale * height), int(scale * width)
            top = int(rng.integers(whole.shape[0] - rows + 1))
            left = int(rng.integers(whole.shape[1] - columns + 1))
            part = whole[top : top + rows, left : left + columns]
            if rng.random() < 0.5:
                part = part[:, ::-1]
            return np.asarray(cv2.resize(np.ascontiguousarray(part), (width, height)))

        return make

    def _cutout_of(self, textures: list[Image]) -> Callable[[Rng], Image]:
        """Return what gives a part of a texture, mirrored, at any scale and angle.

        Not mirrored, a part of the texture of a flat wall would be a view of it.
        """

        def make(rng: Rng) -> Image:
            texture = textures[int(rng.integers(len(textures)))]
            height, width = texture.shape[:2]
            scale = rng.uniform(0.15, 0.9) * min(height, width) / self._camera.height
            angle = rng.uniform(0, 2 * np.pi)
            turn = scale * np.array(
                [[-np.cos(angle), -np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
            )
            middle = np.array([self._camera.width, self._camera.height]) / 2
            at = rng.uniform(0.2, 0.8, 2) * (width, height)
            from_image = np.column_stack((turn, at - turn @ middle))
            return np.asarray(
                cv2.warpAffine(
                    texture,
                    from_image,
                    (self._camera.width, self._camera.height),
                    flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                    borderMode=cv2.BORDER_REFLECT,
                )
            )

        return make


def sample_room(folder: Path, device: str, rasterizer: str) -> Scene:
    """Return the room of the demo; it is made in `folder` where it is not there yet.

    :raises OSError: it cannot be written.
    """
    if not (folder / MESH_NAME).is_file():
        unfinished = folder.with_name(f'{folder.name}.part')
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        write_mesh(unfinished, room())
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.replace(folder)
    return Scene.load(folder / MESH_NAME, device, rasterizer)


def is_same(a: TexturedMesh, b: TexturedMesh) -> bool:
    """Whether two meshes have the same shape."""
    return a.vertices.shape == b.vertices.shape and bool(np.allclose(a.vertices, b.vertices))


def _rendered(scene: Scene, camera: Camera, rng: Rng) -> Image:
    """Return a view of the sample's room from anywhere in it, exposed at random."""
    pose = torch.from_numpy(_pose_in_room(rng))
    colour = scene.render(pose, camera).colour[0].cpu().numpy()
    return np.asarray((255 * rng.uniform(0.6, 1.4) * colour).round().clip(0, 255), dtype=np.uint8)


def _pose_in_room(rng: Rng) -> Array:
    """Return map_T_camera [4, 4] of a camera held nearly level; the room's z is up."""
    heading, down = rng.uniform(0, 2 * np.pi), rng.uniform(-0.2, 0.4)
    forward = np.array(
        [np.cos(heading) * np.cos(down), np.sin(heading) * np.cos(down), -np.sin(down)]
    )
    right = np.cross(forward, (0, 0, 1.0))
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack((right, np.cross(forward, right), forward))
    space = np.array([LENGTH, WIDTH, HEIGHT]) - 2 * _MARGIN_M
    pose[:3, 3] = _MARGIN_M + rng.uniform(0, 1, 3) * space
    return pose
