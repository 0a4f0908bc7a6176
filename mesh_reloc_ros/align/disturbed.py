"""Alignment of an image with hard shadows, or with something in the way.

Where they are shows from nearly the right pose, and better from a better one. So both take turns.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.covers import without_covers
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.align.shadows import without_shadows
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.render.scene import Scene

# Both take turns until the pose moves the image by less than this share of its width.
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

    def prepare(pose: Tensor) -> tuple[list[ImageLevel], float] | None:
        levels = without_shadows(scene, pyramid, pose, grey=grey)
        return None if levels is None else (levels, 1.0)

    found = _in_turns(prepare, scene, map_T_camera, exposure, settings, grey, keyframe)
    return None if found is None else dataclasses.replace(found, in_shadows=True)


def align_uncovered(
    scene: Scene,
    pyramid: list[ImageLevel],
    map_T_camera: Tensor,
    exposure: Tensor | None,
    settings: AlignmentSettings,
    *,
    grey: bool = False,
    keyframe: Keyframe | None = None,
) -> Alignment | None:
    """Align the part of an image where the mesh is seen; None if that is all or nearly nothing.

    See `align_lm`.

    :param map_T_camera: [1, 4, 4], nearly the right pose.
    """

    def prepare(pose: Tensor) -> tuple[list[ImageLevel], float] | None:
        return without_covers(scene, pyramid, pose, grey=grey)

    return _in_turns(prepare, scene, map_T_camera, exposure, settings, grey, keyframe)


def undisturbed(
    scene: Scene, pyramid: list[ImageLevel], alignment: Alignment, *, grey: bool = False
) -> list[ImageLevel]:
    """Return the levels of an image without what was left out of its alignment."""
    if alignment.in_shadows:
        return without_shadows(scene, pyramid, alignment.map_T_camera, grey=grey) or pyramid
    if alignment.visible < 1:
        found = without_covers(scene, pyramid, alignment.map_T_camera, grey=grey)
        return pyramid if found is None else found[0]
    return pyramid


def _in_turns(
    prepare: Callable[[Tensor], tuple[list[ImageLevel], float] | None],
    scene: Scene,
    map_T_camera: Tensor,
    exposure: Tensor | None,
    settings: AlignmentSettings,
    grey: bool,
    keyframe: Keyframe | None,
) -> Alignment | None:
    """Align what `prepare` makes of the image from a pose, with the share of the mesh seen."""
    for _ in range(_MAX_ROUNDS):
        prepared = prepare(map_T_camera)
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
        if moved_px < _SETTLED * keyframe.levels[0].camera.width:
            break
        if keyframe.motion_since(map_T_camera) > settings.keyframe_motion:
            keyframe = None
    return dataclasses.replace(alignment, visible=visible)
