"""Pose hypotheses by thumbnails: the image is compared with views from all around the mesh."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.relocalize._matching import Matcher
from mesh_reloc_ros.relocalize._panoramas import Panoramas
from mesh_reloc_ros.relocalize._pose_nms import nms_poses
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

# Two views are duplicates within this share of the distance to the mesh, and this many radians.
_SAME_SHARE, _SAME_ANGLE = 0.12, math.radians(14)
# Share of the candidates that is reserved for level cameras, if the up direction is known.
_LEVEL_SHARE = 0.25
# A camera is level if its x axis is within this angle of the horizon, and its y axis points down.
_LEVEL_ANGLE = math.radians(25)


class Thumbnails:
    """Views as thumbnails, made when they are needed. Safe for any thread."""

    def __init__(
        self,
        panoramas: Callable[[], Panoramas],
        settings: RelocalizationSettings,
        device: torch.device,
        up: Array | None = None,
    ) -> None:
        """Keep the arguments.

        :param up: [3], the direction in the map that is up; None: by the settings.
        """
        self._make_panoramas = panoramas
        self._lock = threading.Lock()
        self._panoramas: Panoramas | None = None
        self._matcher: Matcher | None = None
        self._settings = settings
        self._device = device
        self._up = up_axis(settings.up_axis) if up is None else up

    def prepare(self, camera: Camera | None = None) -> None:
        """Render the panoramas, and the views of a camera with colour images."""
        if camera is not None:
            self._matcher_of(camera, grey=False)
            return
        with self._lock:
            self._ready_panoramas()

    def propose(self, frame: Frame) -> Array:
        """Return poses [C, 4, 4] where views look like the image, best first."""
        count = self._settings.candidates
        matcher = self._matcher_of(frame.camera, bool(frame.is_grey))
        poses, distances = matcher.match(frame.image)
        level = np.flatnonzero(_level(poses, self._up))
        first = round(_LEVEL_SHARE * count) if len(level) else 0
        chosen = [
            part[nms_poses(poses[part], distances[part], _SAME_SHARE, _SAME_ANGLE, number)]
            for part, number in ((level, first), (np.arange(len(poses)), count - first))
        ]
        return np.asarray(poses[np.unique(np.concatenate(chosen))])

    def _ready_panoramas(self) -> Panoramas:
        """Return the panoramas; the first call makes them. The lock is held."""
        if self._panoramas is None:
            self._panoramas = self._make_panoramas()
        return self._panoramas

    def _matcher_of(self, camera: Camera, grey: bool) -> Matcher:
        """Return the views of a camera; they are kept until another camera or mode is needed."""
        with self._lock:
            panoramas, matcher = self._ready_panoramas(), self._matcher
            if matcher is None or (matcher.camera, matcher.is_grey) != (camera, grey):
                matcher = Matcher(panoramas, camera, self._device, grey)
                self._matcher = matcher
            return matcher


def up_axis(name: str) -> Array | None:
    """Return the direction [3] of a setting `up_axis`; None for `any`."""
    if name == 'any':
        return None
    up = np.zeros(3)
    up['xyz'.index(name[-1])] = -1.0 if name.startswith('-') else 1.0
    return up


def _level(map_T_camera: Array, up: Array | None) -> NDArray[np.bool_]:
    """Return which poses [N, 4, 4] are those of a level camera; none if `up` is unknown."""
    if up is None:
        return np.zeros(len(map_T_camera), dtype=bool)
    right, down, _ = (up @ map_T_camera[:, :3, :3]).T
    return np.asarray((np.abs(right) < np.sin(_LEVEL_ANGLE)) & (down < np.sin(_LEVEL_ANGLE)))
