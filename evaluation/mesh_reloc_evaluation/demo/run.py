"""The demo: make the sample, track it with the node, report, and check the result."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.bag_writer import CAMERA_INFO_TOPIC, IMAGE_TOPIC
from mesh_reloc_evaluation.demo.messages import Replay
from mesh_reloc_evaluation.demo.metrics import ReplayResult, evaluate_replay, replay_table
from mesh_reloc_evaluation.demo.replay import replay
from mesh_reloc_evaluation.demo.report import passerby_span, write_report
from mesh_reloc_evaluation.node_process import NodeError, NodeProcess, write_parameters
from mesh_reloc_evaluation.painted_room.film import FilmSettings
from mesh_reloc_evaluation.painted_room.sample import SampleFiles, make_sample
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.types.pose import pose_to_numbers
from mesh_reloc_ros.types.trajectory import Trajectory


def run_demo(output: Path, settings: FilmSettings | None = None) -> int:
    """Run the demo and return the exit status: 0 only if the tracking passed all checks.

    :param settings: of the film; None: the defaults.
    :raises InputError: the output folder cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        sample = make_sample(output / 'sample', settings or FilmSettings())
        truth = read_tum(sample.truth)
        result = _track(output, sample, truth)
    except OSError as error:
        raise InputError(f'output {output} cannot be written: {error}') from error
    except NodeError as error:
        print(f'FAIL: {error}', file=sys.stderr)
        return 1
    print(f'\n{replay_table(result)}\n\nResults are in {output}')
    failures = result.failures()
    print(f'FAIL: {"; ".join(failures)}' if failures else 'PASS: the camera was tracked throughout')
    return 1 if failures else 0


def _track(output: Path, sample: SampleFiles, truth: Trajectory) -> ReplayResult:
    """Track the sample with the node and write the report.

    :raises NodeError: the node does not start, or ends too early or with an error.
    """
    _isolate_from_other_nodes()
    span = passerby_span(sample, truth)
    seconds = (truth.stamps_ns[-1] - truth.stamps_ns[0]) / 1e9
    moments = [0.1 * seconds, 0.35 * seconds, 0.9 * seconds]
    if span is not None:
        moments.append((span.begin + span.end) / 2)
    replayed = _replay(output, sample, truth, moments)
    result = evaluate_replay(replayed, truth)
    write_report(output, sample, truth, replayed, result)
    return result


def _replay(output: Path, sample: SampleFiles, truth: Trajectory, moments: list[float]) -> Replay:
    parameters = {
        'mesh': str(sample.mesh.absolute()),
        'initial_pose': _rounded(truth.poses[0]),
        'image_transport': 'compressed',
        'save_pose_period': 0.0,
    }
    parameter_file = write_parameters(output / 'node.yaml', parameters)
    ros_args = ['--params-file', str(parameter_file)]
    ros_args += ['--remap', f'image_rect:={IMAGE_TOPIC.removesuffix("/compressed")}']
    ros_args += ['--remap', f'camera_info:={CAMERA_INFO_TOPIC}']
    log = output / 'node.log'
    print(f'starting the node (its log: {log})', flush=True)
    with NodeProcess(*ros_args, log=log) as node:
        try:
            replayed = replay(sample.bag, moments, node.check)
            node.stop()
        except NodeError:
            print(node.last_lines(), file=sys.stderr)
            raise
    return replayed


def _rounded(pose: NDArray[np.float64]) -> list[float]:
    """Return a pose as a user would give it, with two decimals."""
    return [float(number) for number in np.round(pose_to_numbers(pose), 2)]


def _isolate_from_other_nodes() -> None:
    """Keep the topics of the demo apart from a ROS system on this network."""
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
