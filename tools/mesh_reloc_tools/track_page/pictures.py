"""Pictures of a few images: the first with a trusted pose, and refused ones beside the mesh."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from mesh_reloc_ros.overlay.compare import draw_difference, draw_render
from mesh_reloc_ros.overlay.view import View, shrunk
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.estimate import PoseEstimate, Rejection
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import shifted
from mesh_reloc_tools.page.mesh_data import picture

_WIDTH = 480
_LARGEST = 0.35
_MOST, _MOST_OF_ONE = 10, 3


class Taken(NamedTuple):
    """An image, and the mesh from the pose that was found."""

    estimate: PoseEstimate
    files: list[str]
    """Image, render and difference, as addresses that hold the file; without a pose the image."""


class Pictures:
    """Chooses which images to show: where refusals begin, few of each reason."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._count: Counter[Rejection | None] = Counter()
        self._before: Rejection | None = None
        self.taken: list[Taken] = []
        """In the order of the images."""

    def add(self, frame: Frame, estimate: PoseEstimate) -> None:
        """Take a picture of the image, if it is one to be shown."""
        if self._is_shown(estimate.rejection):
            self._count[estimate.rejection] += 1
            self.taken.append(Taken(estimate, self._files(frame, estimate)))
        self._before = estimate.rejection

    def _is_shown(self, rejection: Rejection | None) -> bool:
        if rejection is None:
            return not self._count[None]
        is_first = not self._count[rejection]
        is_new = rejection is not self._before and self._count[rejection] < _MOST_OF_ONE
        return is_first or (is_new and self._count.total() < _MOST)

    def _files(self, frame: Frame, estimate: PoseEstimate) -> list[str]:
        image, camera = shrunk(frame, _WIDTH)
        if not estimate.is_located:
            return [picture(image)]
        pose = shifted(estimate.map_T_camera, -self._scene.mesh.origin)
        view = View(self._scene, pose, camera, image, estimate.is_grey)
        return [
            picture(part) for part in (image, draw_render(view), draw_difference(view, _LARGEST))
        ]
