"""Alignment of an image that is overexposed, with hard shadows, or with something in the way.

What disturbs shows from nearly the right pose, and better from a better one. So finding it and
aligning the image take turns.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from mesh_reloc_ros.align._covers import without_covers
from mesh_reloc_ros.align._shadows import without_shadows
from mesh_reloc_ros.align.alignment import Alignment, Disturbance
from mesh_reloc_ros.align.coarse_to_fine import align_lm, tracking_keyframe
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.align.overexposure import Overexposure, find_overexposure
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.render.scene import Scene

# Both take turns until the pose moves the image by less than this share of its span.
_SETTLED, _MAX_ROUNDS = 0.006, 4
# Where colours are clipped, coarse levels lead astray: few of them are aligned, and then the finest
# alone.
_CLIPPED_LEVELS = 3
# Where colours are at the limit depends on local light, too, so that their outlines are displaced.
# Errors are up to twice as large as the covariance tells otherwise.
_CLIPPED_VARIANCE = 4.0


class _Prepared(NamedTuple):
    """An image with what disturbs taken into account."""

    levels: Sequence[ImageLevel]
    visible: float = 1.0
    """Share of the mesh that is seen."""
    overexposure: Overexposure | None = None


def align_disturbed(
    scene: Scene,
    pyramid: Sequence[ImageLevel],
    map_T_camera: Tensor,
    exposure: Tensor | None,
    settings: AlignmentSettings,
    disturbance: Disturbance,
    *,
    grey: bool = False,
    keyframe: Keyframe | None = None,
) -> Alignment | None:
    """Align an image and take what disturbs into account; see `align_lm`.

    :param map_T_camera: [1, 4, 4], nearly the right pose.
    :returns: None if the image shows no such disturbance; or nearly nothing of the mesh.
    """
    found = None
    for choice in _choices(settings, disturbance):
        found = _take_turns(
            scene, pyramid, map_T_camera, exposure, choice, disturbance, grey, keyframe
        )
        if found is None:
            return None
        map_T_camera = found.map_T_camera
    return found


def _choices(settings: AlignmentSettings, disturbance: Disturbance) -> list[AlignmentSettings]:
    """Return the settings to align with, one after the other."""
    if disturbance is not Disturbance.OVEREXPOSURE:
        return [settings]
    few = min(settings.levels, _CLIPPED_LEVELS)
    return [dataclasses.replace(settings, levels=levels) for levels in (few, 1)]


def _take_turns(
    scene: Scene,
    pyramid: Sequence[ImageLevel],
    map_T_camera: Tensor,
    exposure: Tensor | None,
    settings: AlignmentSettings,
    disturbance: Disturbance,
    grey: bool,
    keyframe: Keyframe | None,
) -> Alignment | None:
    """Find what disturbs and align the image until both have settled; see `align_disturbed`."""
    for _ in range(_MAX_ROUNDS):
        prepared = _prepared(scene, pyramid, map_T_camera, disturbance, grey=grey)
        if prepared is None:
            return None
        levels, visible, overexposure = prepared
        if overexposure is not None:
            exposure, ceiling = overexposure
            keyframe = tracking_keyframe(
                scene, map_T_camera, pyramid[0].camera, settings, grey=grey, ceiling=ceiling
            )
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
    factor = 1.0 if overexposure is None else _CLIPPED_VARIANCE
    return dataclasses.replace(
        alignment,
        covariance=factor * alignment.covariance,
        visible=visible,
        disturbance=disturbance,
    )


def undisturbed(
    scene: Scene, pyramid: Sequence[ImageLevel], alignment: Alignment, *, grey: bool = False
) -> Sequence[ImageLevel]:
    """Return the levels of an image without what was left out of its alignment."""
    if alignment.disturbance is None:
        return pyramid
    pose = alignment.map_T_camera
    prepared = _prepared(scene, pyramid, pose, alignment.disturbance, grey=grey)
    return pyramid if prepared is None else prepared.levels


def _prepared(
    scene: Scene,
    pyramid: Sequence[ImageLevel],
    pose: Tensor,
    disturbance: Disturbance,
    *,
    grey: bool,
) -> _Prepared | None:
    """Return an image, seen from a pose [1, 4, 4], with a disturbance taken into account."""
    if disturbance is Disturbance.OVEREXPOSURE:
        found = find_overexposure(scene, pyramid, pose, grey=grey)
        return None if found is None else _Prepared(pyramid, overexposure=found)
    if disturbance is Disturbance.SHADOWS:
        levels = without_shadows(scene, pyramid, pose, grey=grey)
        return None if levels is None else _Prepared(levels)
    seen = without_covers(scene, pyramid, pose, grey=grey)
    return None if seen is None else _Prepared(*seen)
