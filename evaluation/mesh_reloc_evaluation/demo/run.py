"""The demo from end to end: make the sample, track it through the node, judge and report."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.demo.error import DemoError
from mesh_reloc_evaluation.demo.metrics import Outcome, outcome_of, table
from mesh_reloc_evaluation.demo.received import Replay
from mesh_reloc_evaluation.demo.replay import replay
from mesh_reloc_evaluation.demo.report import passerby_span, write_report
from mesh_reloc_evaluation.node_process import NodeProcess
from mesh_reloc_evaluation.painted_room.film import FilmSettings
from mesh_reloc_evaluation.painted_room.recording import CAMERA_INFO_TOPIC, IMAGE_TOPIC
from mesh_reloc_evaluation.painted_room.sample import Sample, make_sample
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.types.pose import pose_to_numbers
from mesh_reloc_ros.types.trajectory import Trajectory


def run_demo(output: Path, settings: FilmSettings | None = None) -> int:
    """Run the demo and return the exit status: 0 only if the tracking was right.

    :param settings: how the sample is filmed, where not as usual.
    :raises InputError: the output folder cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        sample = make_sample(output / 'sample', settings or FilmSettings())
        truth = read_tum(sample.truth)
        outcome = _tracked(output, sample, truth)
    except OSError as error:
        raise InputError(f'output {output} cannot be written: {error}') from error
    except DemoError as error:
        print(f'FAIL: {error}', file=sys.stderr)
        return 1
    print(f'\n{table(outcome)}\n\nResults are in {output}')
    faults = outcome.faults()
    print(f'FAIL: {"; ".join(faults)}' if faults else 'PASS: the camera was tracked all the way')
    return 1 if faults else 0


def _tracked(output: Path, sample: Sample, truth: Trajectory) -> Outcome:
    """Track the sample through the node and write the report.

    :raises DemoError: the node did not start, or did not end as it should.
    """
    _keep_to_ourselves()
    span = passerby_span(sample, truth)
    seconds = (truth.stamps_ns[-1] - truth.stamps_ns[0]) / 1e9
    moments = [0.1 * seconds, 0.35 * seconds, 0.9 * seconds]
    if span is not None:
        moments.append((span.begin + span.end) / 2)
    replayed = _replayed(output, sample, truth, moments)
    outcome = outcome_of(replayed, truth)
    write_report(output, sample, truth, replayed, outcome)
    return outcome


def _replayed(output: Path, sample: Sample, truth: Trajectory, moments: list[float]) -> Replay:
    parameters = {
        'mesh': str(sample.mesh.absolute()),
        'initial_pose': _rough(truth.poses[0]),
        'image_transport': 'compressed',
        'save_pose_period': 0.0,
    }
    remappings = {
        'image_rect': IMAGE_TOPIC.removesuffix('/compressed'),
        'camera_info': CAMERA_INFO_TOPIC,
    }
    node = NodeProcess(parameters, remappings, output)
    print(f'starting the node (its log: {node.log})', flush=True)
    with node:
        try:
            replayed = replay(sample.bag, moments, node.check)
            node.stop()
        except DemoError:
            print(node.last_lines(), file=sys.stderr)
            raise
    return replayed


def _rough(pose: NDArray[np.float64]) -> list[float]:
    """Return a start pose as a user would give it: to two digits."""
    return [float(number) for number in np.round(pose_to_numbers(pose), 2)]


def _keep_to_ourselves() -> None:
    """Keep the demo's topics away from a ROS system that runs on this network."""
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
