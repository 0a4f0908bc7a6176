"""Finds where images were taken, with a camera whose calibration may be wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from mesh_reloc_ros.align.intrinsics import SIZE, corrected, estimate_intrinsics, widely
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.render.grey import with_colour_mode
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import shifted
from mesh_reloc_tools.calibrate.lens import Lens
from mesh_reloc_tools.calibrate.solve import View

# The first calibration is the median over so many images that are found one by one, of so many
# that are tried; at a coarse level of this size, as it may be far off.
_FOUND, _TRIED, _STEPS, _SHORTER_SIDE_PX, _LEVELS = 5, 25, 8, 120, 2


def unchecked(settings: Settings) -> Settings:
    """Return settings that trust poses whatever the calibration."""
    tracking = dataclasses.replace(
        settings.tracking, max_focal_error=1.0, max_principal_point_error=1.0
    )
    return dataclasses.replace(settings, tracking=tracking)


def first_lens(pipeline: Pipeline, frames: Iterable[Frame], count: int, lens: Lens) -> Lens:
    """Correct focal length and centre of a lens by single images, wherever they are found.

    :param frames: raw images. :param count: number of them.
    :raises InputError: none of them is found, or settings switch the search off.
    """
    if pipeline.relocalizer is None:
        raise InputError('images are searched for in the mesh: set relocalization.enabled to true')
    errors: list[Array] = []
    every = max(count // _TRIED, 1)
    settings = dataclasses.replace(
        pipeline.settings.alignment,
        finest_level=lens.camera.coarsest_level(_SHORTER_SIDE_PX),
        levels=_LEVELS,
    )
    for number, raw in enumerate(frames):
        if number % every:
            continue
        frame = rectified(raw, lens)
        found = pipeline.relocalizer.locate_all(frame)
        if len(found) == 1:
            frame = with_colour_mode(frame, pipeline.scene.is_grey)
            estimate = estimate_intrinsics(
                pipeline.scene,
                image_pyramid(frame.image, frame.camera),
                found[0],
                settings,
                widely(np.zeros(SIZE)),
                _STEPS,
                grey=bool(frame.is_grey),
            )
            if estimate is not None:
                errors.append(estimate.error)
        if len(errors) == _FOUND:
            break
    if not errors:
        raise InputError(
            'no image is found in the mesh: give a camera that is less far off (--camera, --fov),'
            ' or see where the images are with mesh_reloc track'
        )
    camera = corrected(lens.camera, np.median(errors, axis=0))
    return dataclasses.replace(lens, camera=camera)


def find_views(pipeline: Pipeline, frames: Iterable[Frame], lens: Lens, limit: int) -> list[View]:
    """Track the raw images of a recording; return up to `limit` views, spread over it."""
    views: list[View] = []
    every, trusted = 1, 0
    for frame in frames:
        shown = rectified(frame, lens)
        estimate = pipeline.track(shown)
        pipeline.look_ahead()
        if not estimate.trusted:
            continue
        if trusted % every == 0:
            pose = shifted(estimate.map_T_camera, -pipeline.scene.mesh.origin)
            is_grey = bool(with_colour_mode(shown, pipeline.scene.is_grey).is_grey)
            views.append(View(frame.image, pose, is_grey))
        trusted += 1
        if len(views) > limit:
            views, every = views[::2], 2 * every
    return views


def rectified(frame: Frame, lens: Lens) -> Frame:
    """Return a raw image as the pinhole camera of a lens would have taken it."""
    image = lens.rectification.apply(frame.image)
    return dataclasses.replace(frame, image=image, camera=lens.camera)
