"""Alignment of an image with hard shadows: they are found, brightened, and found again."""

from __future__ import annotations

import dataclasses

from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.align.shadows import without_shadows
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.render.scene import Scene

# Shadows are found again until the pose moves the image by less than this share of its width.
_SETTLED, _MAX_ROUNDS = 0.006, 4


def align_in_shadows(
    scene: Scene,
    pyramid: list[ImageLevel],
    map_T_camera: Tensor,
    exposure: Tensor | None,
    settings: AlignmentSettings,
    *,
    grey: bool = False,
    keyframe: Keyframe | None = None,
) -> Alignment | None:
    """Align an image without its shadows; None if it shows none. See `align_lm`.

    :param map_T_camera: [1, 4, 4], nearly the right pose.
    """
    for _ in range(_MAX_ROUNDS):
        levels = without_shadows(scene, pyramid, map_T_camera, grey=grey)
        if levels is None:
            return None
        alignment = align_lm(
            scene, levels, map_T_camera, exposure, settings, grey=grey, keyframe=keyframe
        )
        keyframe = alignment.keyframe
        if not alignment.is_finite or keyframe is None:
            return None
        moved_px = float(keyframe.motion_px(map_T_camera, alignment.map_T_camera))
        map_T_camera, exposure = alignment.map_T_camera, alignment.exposure
        if moved_px < _SETTLED * keyframe.levels[0].camera.width:
            break
        if keyframe.motion_since(map_T_camera) > settings.keyframe_motion:
            keyframe = None
    return dataclasses.replace(alignment, in_shadows=True)
