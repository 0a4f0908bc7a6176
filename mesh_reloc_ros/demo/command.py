"""`mesh_reloc demo`: make the sample, track it through the node, judge and report."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.demo.error import DemoError
from mesh_reloc_ros.demo.node_process import NodeProcess
from mesh_reloc_ros.demo.sample.film import FilmSettings
from mesh_reloc_ros.demo.sample.make import Sample, make_sample
from mesh_reloc_ros.demo.sample.recording import CAMERA_INFO_TOPIC, IMAGE_TOPIC
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.geometry.pose import pose_to_numbers
from mesh_reloc_ros.geometry.trajectory import Trajectory, read_tum


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the demo."""
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('demo_output'),
        metavar='DIR',
        help='folder for the sample and the results (default: %(default)s)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and return the exit status: 0 only if the tracking was right.

    :raises InputError: the output folder cannot be written.
    """
    return run_demo(arguments.output, FilmSettings())


def run_demo(output: Path, settings: FilmSettings) -> int:
    """Run the demo with a film of other settings than the command's.

    :raises InputError: the output folder cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        sample = make_sample(output / 'sample', settings)
    except OSError as error:
        raise InputError(f'output {output} cannot be written: {error}') from error
    try:
        faults = _track(output, sample)
    except DemoError as error:
        print(f'FAIL: {error}', file=sys.stderr)
        return 1
    print(f'FAIL: {"; ".join(faults)}' if faults else 'PASS: the camera was tracked all the way')
    return 1 if faults else 0


def _track(output: Path, sample: Sample) -> list[str]:
    """Track the sample through the node and report; return what was not right.

    :raises DemoError: the node did not start, or did not end as it should.
    """
    _keep_to_ourselves()
    # Imported here, as they need ROS, and ROS reads the environment set above.
    from mesh_reloc_ros.demo.figures import outcome_of, table
    from mesh_reloc_ros.demo.replay import replay
    from mesh_reloc_ros.demo.report import passerby_span, write_report

    truth = read_tum(sample.truth)
    span = passerby_span(sample, truth)
    seconds = (truth.stamps_ns[-1] - truth.stamps_ns[0]) / 1e9
    moments = [0.15 * seconds, 0.85 * seconds]
    if span is not None:
        moments.append((span.begin + span.end) / 2)
    node = _node(output, sample, truth)
    print(f'starting the node (log: {node.log})')
    with node:
        try:
            played = replay(sample.bag, moments, node.check)
            node.stop()
        except DemoError:
            print(node.last_lines(), file=sys.stderr)
            raise
    outcome = outcome_of(played, truth)
    write_report(output, sample, truth, played, outcome)
    print(table(outcome))
    print(f'results: {output}')
    return outcome.faults()


def _node(output: Path, sample: Sample, truth: Trajectory) -> NodeProcess:
    parameters = {
        'mesh': str(sample.mesh.absolute()),
        'initial_pose': _rough(truth.poses[0]),
        'image_transport': 'compressed',
    }
    remappings = {
        'image_rect': IMAGE_TOPIC.removesuffix('/compressed'),
        'camera_info': CAMERA_INFO_TOPIC,
    }
    return NodeProcess(parameters, remappings, output)


def _rough(pose: NDArray[np.float64]) -> list[float]:
    """Return a start pose as a user would give it: to two digits."""
    return [float(number) for number in np.round(pose_to_numbers(pose), 2)]


def _keep_to_ourselves() -> None:
    """Keep the demo's topics away from a ROS system that runs on this network."""
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
