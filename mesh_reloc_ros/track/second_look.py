"""A second look at an aligned image, for when there is doubt."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.lm_aligner import LmAligner
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.kernels.se3 import exp
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import distance

# Where the second look starts, in the camera's frame: shares of the depth, and radians. Both move
# the image the same way, by about a twentieth of a usual width.
_NUDGE = np.array([-0.015, 0.012, 0.02, 0.015, 0.02, 0.03])
# The depth is measured on a view of about so many pixels' width.
_SMALL_WIDTH = 40


class SecondLook:
    """Aligns an image anew, from another start and with another render."""

    def __init__(self, scene: Scene, settings: Settings) -> None:
        self._settings = settings.tracking
        # Every look has a render of its own, whatever the tracker's last one was.
        alignment = dataclasses.replace(settings.alignment, keyframe_motion=0.0)
        self._aligner = LmAligner(scene, alignment)

    def doubts(self, frame: Frame, alignment: Alignment, depth: float) -> str:
        """Return why a pose that looks right is not to be trusted, in one line, or nothing.

        :param alignment: of the frame, of a single pose.
        :param depth: median distance of what the camera sees, metres.
        """
        metres, radians = self.disagreement(frame, alignment, depth)
        settings = self._settings
        if (
            metres <= settings.max_realignment_distance
            and radians <= settings.max_realignment_angle
        ):
            return ''
        return (
            f'a second look from another start ends {100 * metres:.1f} cm and'
            f' {np.degrees(radians):.2f} deg away'
        )

    def disagreement(self, frame: Frame, alignment: Alignment, depth: float) -> tuple[float, float]:
        """Return how far from a pose the second look ends, in metres and radians."""
        pose = alignment.map_T_camera[0].numpy()
        nudge = exp(_NUDGE * np.array([depth, depth, depth, 1.0, 1.0, 1.0]))
        again = self._align(frame, frame.camera, pose @ nudge, alignment.exposure)
        return distance(pose, again.map_T_camera[0].numpy())

    def _align(
        self, frame: Frame, camera: Camera, map_T_camera: NDArray[np.float64], exposure: Tensor
    ) -> Alignment:
        return self._aligner.align(
            frame.image,
            camera,
            torch.from_numpy(np.ascontiguousarray(map_T_camera))[None],
            exposure,
            wide=False,
            grey=bool(frame.is_grey),
        )


def median_depth(scene: Scene, map_T_camera: NDArray[np.float64], camera: Camera) -> float:
    """Return the median depth of what the camera sees, in metres; 1 where it sees nothing."""
    level = max(round(np.log2(camera.width / _SMALL_WIDTH)), 0)
    pose = torch.from_numpy(map_T_camera.astype(np.float32))[None].to(scene.device)
    fragments = scene.rasterizer.rasterize(pose, camera.at_level(level))
    depth = fragments.depth[fragments.face >= 0]
    return float(depth.median()) if len(depth) else 1.0
