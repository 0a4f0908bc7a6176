"""Images that show none of the map, by number: the same each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import cv2
import numpy as np
import torch

from mesh_reloc_evaluation.out_of_map.patterns import PATTERNS, Image
from mesh_reloc_evaluation.painted_room.room.dimensions import HEIGHT, LENGTH, WIDTH
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.pose import looking_at

NumberedImage = tuple[int, str, Image]
"""Number, kind and image [H, W, 3]."""
Rng = np.random.Generator

# How often these kinds occur for each time that a pattern does: images of places are harder.
_ROOMS, _PHOTOGRAPHS, _CUTOUTS = 4, 3, 2
# Distance of the camera from the walls of the painted room.
_MARGIN_M = 0.5


class OutOfMapImages:
    """Renders of another room, photographs, cut-outs of textures, and patterns."""

    def __init__(
        self,
        camera: Camera,
        mesh: TexturedMesh,
        painted_room: Scene | None = None,
        photographs: list[Image] | None = None,
    ) -> None:
        """Prepare.

        :param camera: gives the size of the images.
        :param mesh: the map, of whose textures mirrored cut-outs are shown.
        :param painted_room: to render; None: no renders.
        :param photographs: images [H, W, 3] of other places, of any size.
        """
        self._camera = camera
        self._kinds: list[tuple[str, Callable[[Rng], Image]]] = []
        if painted_room is not None:
            room = painted_room
            self._kinds += [('room', lambda rng: _rendered(room, camera, rng))] * _ROOMS
        if photographs:
            self._kinds += [('photograph', self._part_of(photographs))] * _PHOTOGRAPHS
        self._kinds += [('texture of the map', self._cutout_of(mesh.textures))] * _CUTOUTS
        size = {'width': camera.width, 'height': camera.height}
        self._kinds += [(name, partial(draw, **size)) for name, draw in PATTERNS.items()]

    def image(self, number: int) -> tuple[str, Image]:
        """Return the kind and the image [H, W, 3] of a number."""
        kind, make = self._kinds[number % len(self._kinds)]
        return kind, make(np.random.default_rng((7, number)))

    def first(self, count: int) -> Iterator[NumberedImage]:
        """Yield a number of images."""
        for number in range(count):
            yield number, *self.image(number)

    def places(self, count: int) -> list[Image]:
        """Return a number of images of the kind that looks most like a place."""
        best = self._kinds[0][0]
        numbers = (n for n in range(count * len(self._kinds)) if self._kind(n) == best)
        return [self.image(number)[1] for number, _ in zip(numbers, range(count), strict=False)]

    def _kind(self, number: int) -> str:
        return self._kinds[number % len(self._kinds)][0]

    def _part_of(self, photographs: list[Image]) -> Callable[[Rng], Image]:
        """Return a function that takes a part of a photograph, mirrored half of the time."""

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
        """Return a function that takes a part of a texture at any scale and angle, mirrored.

        Without mirroring, a part of the texture of a flat wall would be a view of that wall.
        """

        def make(rng: Rng) -> Image:
            texture = textures[int(rng.integers(len(textures)))]
            height, width = texture.shape[:2]
            scale = rng.uniform(0.15, 0.9) * min(height, width) / self._camera.height
            angle = rng.uniform(0, 2 * np.pi)
            turn = scale * np.array(
                [[-np.cos(angle), -np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
            )
            centre = np.array([self._camera.width, self._camera.height]) / 2
            at = rng.uniform(0.2, 0.8, 2) * (width, height)
            texture_T_image = np.column_stack((turn, at - turn @ centre))
            return np.asarray(
                cv2.warpAffine(
                    texture,
                    texture_T_image,
                    (self._camera.width, self._camera.height),
                    flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                    borderMode=cv2.BORDER_REFLECT,
                )
            )

        return make


def _rendered(painted_room: Scene, camera: Camera, rng: Rng) -> Image:
    """Return a view of the painted room from a random pose, with random exposure."""
    pose = torch.from_numpy(_pose_in_room(rng))
    colour = painted_room.render(pose, camera).colour[0].cpu().numpy()
    return np.asarray((255 * rng.uniform(0.6, 1.4) * colour).round().clip(0, 255), dtype=np.uint8)


def _pose_in_room(rng: Rng) -> Array:
    """Return map_T_camera [4, 4] of a nearly level camera in the painted room (z up)."""
    heading, down = rng.uniform(0, 2 * np.pi), rng.uniform(-0.2, 0.4)
    forward = np.array(
        [np.cos(heading) * np.cos(down), np.sin(heading) * np.cos(down), -np.sin(down)]
    )
    space = np.array([LENGTH, WIDTH, HEIGHT]) - 2 * _MARGIN_M
    position = _MARGIN_M + rng.uniform(0, 1, 3) * space
    return looking_at(position, position + forward, up=(0, 0, 1))
