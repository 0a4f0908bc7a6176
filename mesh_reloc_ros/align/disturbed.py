"""Alignment of an image with hard shadows, or with something in the way.

Where they are shows from nearly the right pose, and better from a better one. So both take turns.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.covers import without_covers
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.align.shadows import without_shadows
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.render.scene import Scene

# Both take turns until the pose moves the image by less than this share of its span.
_SETTLED, _MAX_ROUNDS = 0.006, 4


def align_disturbed(
    scene: Scene,
    pyramid: Sequence[ImageLevel],
    map_T_camera: Tensor,
    exposure: Tensor | None,
    settings: AlignmentSettings,
    *,
    in_shadows: bool,
    grey: bool = False,
    keyframe: Keyframe | None = None,
) -> Alignment | None:
    """Align an image without its shadows, or without what covers the mesh; see `align_lm`.

    :param map_T_camera: [1, 4, 4], nearly the right pose.
    :param in_shadows: which of both.
    :returns: None if the image shows no shadows; or nothing that covers, or nearly nothing else.
    """
    for _ in range(_MAX_ROUNDS):
        prepared = _prepared(scene, pyramid, map_T_camera, in_shadows=in_shadows, grey=grey)
        if prepared is None:
            return None
        levels, visible = prepared
        alignment = align_lm(
            scene, levels, map_T_camera, exposure, settings, grey=grey, keyframe=keyframe
        )
        keyframe = alignment.keyframe
        if not alignment.is_finite or keyframe is None:
            return None
        moved_px = float(keyframe.motion_px(map_T_camera, alignment.map_T_camera))
        map_T_camera, exposure = alignment.map_T_camera, alignment.exposure
        if moved_px < _SETTLED * keyframe.levels[0].camera.span:
            break
        if keyframe.motion_since(map_T_camera) > settings.keyframe_motion:
            keyframe = None
    return dataclasses.replace(alignment, visible=visible, in_shadows=in_shadows)


def undisturbed(
    scene: Scene, pyramid: Sequence[ImageLevel], alignment: Alignment, *, grey: bool = False
) -> Sequence[ImageLevel]:
    """Return the levels of an image without what was left out of its alignment."""
    in_shadows = alignment.in_shadows
    if not (in_shadows or alignment.visible < 1):
        return pyramid
    pose = alignment.map_T_camera
    prepared = _prepared(scene, pyramid, pose, in_shadows=in_shadows, grey=grey)
    return pyramid if prepared is None else prepared[0]


def _prepared(
    scene: Scene, pyramid: Sequence[ImageLevel], pose: Tensor, *, in_shadows: bool, grey: bool
) -> tuple[Sequence[ImageLevel], float] | None:
    """Return the levels without what disturbs, and the share of the mesh that is seen."""
    if not in_shadows:
        return without_covers(scene, pyramid, pose, grey=grey)
    levels = without_shadows(scene, pyramid, pose, grey=grey)
    return None if levels is None else (levels, 1.0)
