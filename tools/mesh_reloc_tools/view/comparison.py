"""An image beside the mesh, seen from the same pose."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.overlay.compare import draw_difference, draw_notice, draw_render, draw_tint
from mesh_reloc_ros.overlay.view import Image, View, shrunk
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.relocalize.relocalizer import make_relocalizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.estimate import PoseEstimate, Rejection
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import distance, pose_to_numbers, shifted
from mesh_reloc_tools.pictures import below, beside, captioned

_WIDTH = 640
_BLENDED, _LARGEST = 0.5, 0.35
_TEXT = 1.3


def aligned(scene: Scene, frame: Frame, start: Array, settings: Settings) -> PoseEstimate:
    """Return the pose of an image by alignment from a start pose [4, 4], in the map."""
    with Pipeline(scene, settings) as pipeline:
        return next(pipeline.run([frame], start))


def searched(
    scene: Scene, frame: Frame, settings: Settings, mesh: Path, progress: Progress = silent
) -> PoseEstimate:
    """Return the pose of an image by a search in the whole mesh.

    :param mesh: the file, beside which what is prepared for the search is kept.
    """
    relocalizer = make_relocalizer(
        scene, settings.relocalization, settings.alignment, mesh, progress=progress
    )
    with Pipeline(scene, settings, relocalizer) as pipeline:
        pipeline.prepare(frame.camera)
        return next(pipeline.run([frame]))


def compared(
    scene: Scene, frame: Frame, given: Array | None, estimate: PoseEstimate
) -> tuple[Image, list[str]]:
    """Return a picture with a row for each pose, and what its captions say.

    :param given: [4, 4], the start pose; None: the pose was searched.
    """
    rows, lines = [], []
    if given is not None:
        lines.append('the pose as it is given')
        rows.append(captioned(_row(scene, frame, given), lines[-1], _TEXT))
    lines.append(_said(estimate, given))
    if estimate.is_located:
        picture = _row(scene, frame, estimate.map_T_camera, is_grey=estimate.is_grey)
    else:
        image, _ = shrunk(frame, _WIDTH)
        picture = beside([image, draw_notice(image, f'Not found: {_reason(estimate)}')])
    rows.append(captioned(picture, lines[-1], _TEXT))
    return below(rows), lines


def _said(estimate: PoseEstimate, given: Array | None) -> str:
    if not estimate.is_located:
        return f'not found: {_reason(estimate)}'
    how = 'the pose that the search found'
    if given is not None:
        metres, radians = distance(given, estimate.map_T_camera)
        how = f'aligned from it, {100 * metres:.3g} cm and {np.degrees(radians):.2g} deg away'
    figures = (
        f'score {estimate.score:.2f}, inlier ratio {estimate.inlier_ratio:.2f},'
        f' the mesh covers {estimate.coverage:.0%}'
    )
    verdict = 'trusted' if estimate.trusted else f'not trusted: {estimate.reason}'
    numbers = ' '.join(f'{value:.4f}' for value in pose_to_numbers(estimate.map_T_camera))
    return f'{how}: {figures}; {verdict}; pose {numbers}'


def _reason(estimate: PoseEstimate) -> str:
    if estimate.rejection is Rejection.SEARCHING:
        return 'no place in the mesh looks like this image'
    return estimate.reason


def _row(scene: Scene, frame: Frame, map_T_camera: Array, *, is_grey: bool = False) -> Image:
    """Return image, render, blend and difference side by side."""
    image, camera = shrunk(frame, _WIDTH)
    view = View(scene, shifted(map_T_camera, -scene.mesh.origin), camera, image, is_grey)
    pictures = {
        'image': image,
        'render': draw_render(view),
        'blend': draw_tint(view, _BLENDED),
        'difference': draw_difference(view, _LARGEST),
    }
    return beside([captioned(picture, name) for name, picture in pictures.items()])
