"""`mesh_reloc track`: the poses of the images of a recording, without ROS."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mesh_reloc_ros.cli.arguments import (
    DeprecatedOption,
    add_inputs,
    first_frame,
    open_recording,
    values_of_arguments,
)
from mesh_reloc_ros.cli.drawings import check_drawings, drawings
from mesh_reloc_ros.config.declaration import build
from mesh_reloc_ros.config.overlay import OverlaySettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.files import write_text_atomically
from mesh_reloc_ros.progress import progress_bar, show_progress
from mesh_reloc_ros.recordings.recording import Recording
from mesh_reloc_ros.recordings.reference_cameras import read_reference_cameras
from mesh_reloc_ros.recordings.tum import write_tum
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import pose_from_text
from mesh_reloc_ros.types.trajectory import Trajectory

SUMMARY = 'track the camera of a bag, a video or image files through a mesh'
_OVERRIDES = ('device', 'rasterizer', 'solver')
_INTERRUPTED = 130
_OVERLAY_WIDTH = 1280


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc track`."""
    add_inputs(parser, _OVERRIDES)
    parser.add_argument(
        '--output', type=Path, required=True, metavar='OUT.tum', help='where the trusted poses go'
    )
    reference = parser.add_mutually_exclusive_group()
    reference.add_argument(
        '--reference-cameras',
        type=Path,
        metavar='CAMERAS',
        help='images.bin or images.txt of COLMAP, or a TUM file: places to look for the camera at',
    )
    reference.add_argument(
        '--views',
        type=Path,
        dest='reference_cameras',
        action=DeprecatedOption,
        help=argparse.SUPPRESS,
    )
    parser.add_argument(
        '--overlay', type=Path, metavar='OUT.mp4', help='video of the mesh drawn over the images'
    )
    parser.add_argument(
        '--html',
        type=Path,
        metavar='OUT.html',
        help='page with the trajectory in the mesh, figures, and pictures of refused images',
    )
    parser.add_argument(
        '--report', type=Path, metavar='OUT.json', help='where figures of every image go'
    )


def run(arguments: argparse.Namespace) -> int:
    """Track a recording and write its poses.

    :raises InputError: mesh, recording, start pose, a parameter or an output is unusable.
    """
    values = values_of_arguments(arguments, _OVERRIDES)
    settings = build(Settings, values)
    overlay = build(OverlaySettings, {'overlay.max_width': _OVERLAY_WIDTH, **values}, 'overlay.')
    start = None if arguments.initial_pose is None else pose_from_text(arguments.initial_pose)
    _check(arguments, start is not None or settings.relocalization.enabled)
    reference = arguments.reference_cameras
    cameras = None if reference is None else read_reference_cameras(reference)
    span = arguments.start, arguments.end
    with open_recording(arguments) as recording:
        first = first_frame(recording, arguments)
        # Imported here: an unusable recording is reported before the renderer loads.
        from mesh_reloc_ros.pipeline import Pipeline
        from mesh_reloc_ros.process import use_one_core_per_operation

        use_one_core_per_operation()
        # On stdout: what is on stderr is an error, and one line.
        progress = show_progress(sys.stdout)
        pipeline = Pipeline.load(
            arguments.mesh, settings, reference_cameras=cameras, progress=progress
        )
        for notice in pipeline.scene.mesh.notices:
            print(f'mesh {arguments.mesh.name}: {notice}')
        for notice in recording.notices:
            print(f'{recording.name}: {notice}')
        if pipeline.scene.device.type == 'cuda':
            # To find out where images are aligned faster.
            pipeline.warm_up()
            print(f'images are aligned on {pipeline.solver_device}')
        if start is None:
            pipeline.prepare(first.camera)
        total = len(recording) if arguments.start <= 0 and math.isinf(arguments.end) else None
        frames = _Shown(recording.frames(*span))
        poses = progress_bar(pipeline.run(frames, start), 'tracking', sys.stdout, total=total)
        estimates: list[PoseEstimate] = []
        was_interrupted = False
        up_axis = settings.relocalization.up_axis
        with drawings(arguments, pipeline.scene, recording, overlay, up_axis) as draw:
            # What is found is written, also where the user loses patience.
            try:
                for estimate in poses:
                    estimates.append(estimate)
                    draw(frames.last, estimate)
            except KeyboardInterrupt:
                was_interrupted = True
        if estimates:
            _write(arguments, estimates, recording)
    return _INTERRUPTED if was_interrupted else 0


class _Shown:
    """Passes frames on, and keeps the last."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = frames
        self.last: Frame

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            self.last = frame
            yield frame


def _check(arguments: argparse.Namespace, can_start: bool) -> None:
    """Refuse arguments that would waste the run.

    :raises InputError: there is nothing to start from, or an output could not be written.
    """
    if not can_start:
        raise InputError(
            'no start pose: give --initial-pose "x y z qx qy qz qw", or set'
            ' relocalization.enabled to true'
        )
    reference = arguments.reference_cameras
    if reference is not None and not reference.exists():
        raise InputError(f'reference cameras {reference}: no such file')
    for output in (arguments.output, arguments.report, arguments.overlay):
        if output is not None and not output.parent.is_dir():
            raise InputError(f'output {output}: the folder {output.parent} does not exist')
    check_drawings(arguments)


def _write(
    arguments: argparse.Namespace, estimates: list[PoseEstimate], recording: Recording
) -> None:
    # In the order of time, also where a recording goes back.
    trusted = sorted((e for e in estimates if e.trusted), key=lambda e: e.stamp_ns)
    summary = _summary(estimates)
    try:
        write_tum(
            arguments.output,
            Trajectory(
                np.array([estimate.stamp_ns for estimate in trusted], dtype=np.int64),
                np.array([estimate.map_T_camera for estimate in trusted]).reshape(-1, 4, 4),
            ),
        )
        if arguments.report is not None:
            report = {
                'summary': summary,
                'left_out': recording.left_out.as_json(),
                'frames': [_entry(e) for e in estimates],
            }
            write_text_atomically(arguments.report, json.dumps(report, indent=1))
    except OSError as error:
        raise InputError(f'output cannot be written: {error}') from error
    print(
        f'{summary["published"]} of {summary["images"]} images have a trusted pose;'
        f' latency {summary["latency_ms_p50"]:.0f} ms (median), {summary["latency_ms_p95"]:.0f} ms'
        ' (p95)'
    )
    refused = next((estimate for estimate in estimates if not estimate.trusted), None)
    if refused is not None:
        print(f'first image without one: {refused.stamp_ns * 1e-9:.3f} s, {refused.reason}')
    for line in filter(None, (*recording.left_out.lines(), recording.odometry_problem)):
        print(line)


def _summary(estimates: list[PoseEstimate]) -> dict[str, Any]:
    latency = np.array([estimate.stages_ms['total'] for estimate in estimates])
    return {
        'images': len(estimates),
        'published': sum(estimate.trusted for estimate in estimates),
        'latency_ms_p50': float(np.percentile(latency, 50)),
        'latency_ms_p95': float(np.percentile(latency, 95)),
        'score_median': float(np.median([estimate.score for estimate in estimates])),
        'iterations_mean': float(np.mean([estimate.iterations for estimate in estimates])),
    }


def _entry(estimate: PoseEstimate) -> dict[str, Any]:
    return {
        'stamp': estimate.stamp_ns * 1e-9,
        'state': estimate.state.value,
        'trusted': estimate.trusted,
        'rejection': None if estimate.rejection is None else estimate.rejection.value,
        'reason': estimate.reason,
        'latency_ms': estimate.stages_ms['total'],
        'score': estimate.score,
        'inlier_ratio': estimate.inlier_ratio,
        'coverage': estimate.coverage,
        'iterations': estimate.iterations,
        'covariance': estimate.covariance.ravel().tolist(),
        'stages_ms': estimate.stages_ms,
    }
