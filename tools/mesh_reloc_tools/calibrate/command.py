"""`mesh_reloc calibrate`: the calibration of a camera, with the mesh as its target."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mesh_reloc_ros.cli.arguments import (
    add_inputs,
    first_frame,
    open_recording,
    settings_of_arguments,
)
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.files import write_text_atomically
from mesh_reloc_ros.progress import progress_bar, show_progress
from mesh_reloc_tools.calibrate.camera_yaml import camera_yaml
from mesh_reloc_tools.calibrate.lens import COEFFICIENTS, FOCAL_AND_CENTRE, NAMES

if TYPE_CHECKING:
    from mesh_reloc_tools.calibrate.solve import Calibration

SUMMARY = 'calibrate a camera from images of the place that the mesh shows'
_OVERRIDES = ('device', 'rasterizer')
_VIEWS, _FEWEST = 40, 3
# With a less certain focal length or centre, the images do not determine the calibration.
_UNCERTAIN = 0.01


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc calibrate`."""
    parser.epilog = (
        'The images are taken as they are, raw. The calibration in the recording, or of --camera'
        ' or --fov, is only where the search starts: focal length and centre may be 10 % off.'
        ' Move the camera nearer and farther, and turn it; near and far surfaces should be in view.'
    )
    add_inputs(parser, _OVERRIDES, start_pose=False)
    parser.add_argument(
        '--model', choices=COEFFICIENTS, default='plumb_bob', help='of the distortion'
    )
    parser.add_argument(
        '--count',
        type=int,
        default=_VIEWS,
        metavar='N',
        help=f'number of images to calibrate with (default: {_VIEWS})',
    )
    parser.add_argument(
        '--output', type=Path, required=True, metavar='CAMERA.yaml', help='calibration for ROS'
    )
    parser.add_argument(
        '--picture', type=Path, metavar='OUT.png', help='what is displaced before and after'
    )


def run(arguments: argparse.Namespace) -> int:
    """Calibrate, print the result, and write it.

    :raises InputError: an input cannot be used, or too few images are found in the mesh.
    """
    settings = settings_of_arguments(arguments, _OVERRIDES)
    if arguments.count < _FEWEST:
        raise InputError(f'--count {arguments.count}: give at least {_FEWEST} images')
    for output in (arguments.output, arguments.picture):
        if output is not None and not output.parent.is_dir():
            raise InputError(f'output {output}: the folder {output.parent} does not exist')
    if arguments.rectify:
        raise InputError('--rectify: the raw images are what is calibrated')
    arguments.rectified = True
    calibration = _calibrate(arguments, settings)
    print(_text(calibration))
    write_text_atomically(arguments.output, camera_yaml(calibration.lens, arguments.output.stem))
    if arguments.picture is not None:
        _write_picture(arguments.picture, calibration)
    return 0


def _calibrate(arguments: argparse.Namespace, settings: Settings) -> Calibration:
    # Imported here: an unusable recording is reported before the renderer loads.
    from mesh_reloc_ros.pipeline import Pipeline
    from mesh_reloc_ros.process import use_one_core_per_operation
    from mesh_reloc_tools.calibrate.find import find_views, first_lens, unchecked
    from mesh_reloc_tools.calibrate.lens import Lens
    from mesh_reloc_tools.calibrate.solve import solve

    span = arguments.start, arguments.end
    with open_recording(arguments) as recording:
        first = first_frame(recording, arguments)
        use_one_core_per_operation()
        progress = show_progress(sys.stdout)
        pipeline = Pipeline.load(arguments.mesh, unchecked(settings), progress=progress)
        given = Lens.without_distortion(first.camera, arguments.model)
        pipeline.prepare(first.camera)
        start = first_lens(pipeline, recording.frames(*span), len(recording), given)
        frames = progress_bar(recording.frames(*span), 'tracking', sys.stdout, total=len(recording))
        views = find_views(pipeline, frames, start, arguments.count)
    if len(views) < _FEWEST:
        raise InputError(
            f'{len(views)} images are found in the mesh, too few to calibrate with: record more of'
            ' what the mesh shows'
        )
    return solve(pipeline.scene, views, start, settings.alignment, progress)


def _text(calibration: Calibration) -> str:
    lens, deviations = calibration.lens, calibration.deviations
    camera = lens.camera
    values = (camera.fx, camera.fy, camera.cx, camera.cy)
    units = (camera.fx, camera.fy, camera.fx, camera.fy)
    names = ('fx', 'fy', 'cx', 'cy')
    lines = [
        f'{camera.width}x{camera.height}, {lens.model}, from {calibration.after.views} images;'
        f' agreement {calibration.before.agreement:.3f} before, {calibration.after.agreement:.3f}'
        ' after'
    ]
    for name, value, unit, deviation in zip(names, values, units, deviations, strict=False):
        lines.append(f'  {name} {value:9.2f} +- {unit * deviation:.2f} px')
    for name, value, deviation in zip(
        NAMES[lens.model], lens.distortion, deviations[FOCAL_AND_CENTRE:], strict=True
    ):
        lines.append(f'  {name} {value:9.4f} +- {deviation:.4f}')
    if (deviations[:FOCAL_AND_CENTRE] > _UNCERTAIN).any():
        lines.append(
            '! The images hardly determine it: record near and far surfaces, from several places.'
        )
    return '\n'.join(lines)


def _write_picture(path: Path, calibration: Calibration) -> None:
    """Write the picture.

    :raises InputError: it cannot be written.
    """
    import cv2

    from mesh_reloc_tools.calibrate.picture import draw_shifts

    if not cv2.imwrite(str(path), np.ascontiguousarray(draw_shifts(calibration))):
        raise InputError(f'picture {path} cannot be written: give a name that ends in .png')
