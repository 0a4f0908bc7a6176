"""`mesh_reloc bench --live`: what the node answers in time."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mesh_reloc_evaluation.arguments import OVERRIDES
from mesh_reloc_evaluation.bench.live.cores import (
    busy_loops,
    cores_of,
    peak_memory_mb,
    processor_seconds,
)
from mesh_reloc_evaluation.bench.live.player import LiveCamera, Player
from mesh_reloc_evaluation.bench.run import start_pose
from mesh_reloc_evaluation.node_process import NodeError, NodeProcess
from mesh_reloc_evaluation.posed_sequence import PosedSequence, read_sequence
from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_evaluation.reporting.table import Table
from mesh_reloc_ros.cli.arguments import recording_name
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.pose import distance


@dataclass(frozen=True)
class Round:
    """What one node made of the recording, played once."""

    camera: int
    images: int
    answered: int
    first_pose_s: float
    """From the beginning of the recording; NaN without a pose."""
    p50_ms: float
    p95_ms: float
    """Latency, from sending an image to receiving its pose."""
    node_p50_ms: float
    node_p95_ms: float
    """Latency of the last images, from receiving an image to publishing its pose."""
    median_cm: float
    max_cm: float
    losses: int
    cores: float
    """Processor time of the node by the time that passed."""


def run_live(arguments: argparse.Namespace) -> int:
    """Play the recording, print what was answered, and return the exit status.

    :raises InputError: an argument, the mesh, the recording or the output is unusable.
    """
    if not (arguments.mesh and recording_name(arguments)):
        raise InputError('give --mesh and --bag, --video or --images')
    if min(arguments.rounds, arguments.cameras) < 1 or arguments.busy < 0:
        raise InputError('--rounds and --cameras are at least 1, --busy at least 0')
    cores = cores_of(arguments.cores)
    check_writable(arguments.output)
    sequence = read_sequence(arguments)
    start = None if arguments.search else start_pose(arguments.initial_pose, sequence)
    _isolate_from_other_nodes()
    try:
        rounds, memory_mb = _measured(arguments, sequence, start, cores)
    except NodeError as error:
        print(f'mesh_reloc bench: {error}', file=sys.stderr)
        return 1
    report = Report(arguments.output, 'live.json')
    title = f'Live, on {len(cores)} core{"s" * (len(cores) > 1)}'
    title += f', beside {arguments.busy} busy loops' if arguments.busy else ''
    lines = [f'peak memory of a node: {max(memory_mb):.0f} MB']
    report.add(title, _table(rounds), lines)
    report.content |= {
        'cores': sorted(cores),
        'busy': arguments.busy,
        'memory_mb': memory_mb,
        'rounds': [asdict(each) for each in rounds],
    }
    report.write()
    return 0


def _measured(
    arguments: argparse.Namespace, sequence: PosedSequence, start: Array | None, cores: set[int]
) -> tuple[list[Round], list[float]]:
    """Return the rounds of all nodes, and the peak memory of each node.

    :raises NodeError: a node does not start, does not answer, or ends.
    """
    rounds: list[Round] = []
    names = [f'/camera_{number}' for number in range(arguments.cameras)]
    with ExitStack() as stack:
        nodes = [stack.enter_context(_node(arguments, name, cores)) for name in names]

        def check() -> None:
            for node in nodes:
                node.check()

        player = Player(names, sequence, check)
        stack.callback(player.close)
        player.wait_until_ready()
        stack.enter_context(busy_loops(arguments.busy, cores))
        for _ in range(arguments.rounds):
            before = [processor_seconds(node.pid) for node in nodes]
            began = time.monotonic()
            begin, images = player.play(start)
            passed = time.monotonic() - began
            for number, (node, camera) in enumerate(zip(nodes, player.cameras, strict=True)):
                used = (processor_seconds(node.pid) - before[number]) / passed
                rounds.append(_round(number, camera, begin, images, sequence, used))
                print(_said(rounds[-1]), flush=True)
        memory = [peak_memory_mb(node.pid) for node in nodes]
    return rounds, memory


def _node(arguments: argparse.Namespace, namespace: str, cores: set[int]) -> NodeProcess:
    """Start a node that may use some cores only."""
    log: Path = arguments.output / f'{namespace.strip("/")}.log'
    files = [] if arguments.params is None else ['--params-file', str(arguments.params)]
    chosen = [(name, getattr(arguments, name)) for name in OVERRIDES]
    overrides = [f'{name}:={value}' for name, value in chosen if value is not None]
    node = NodeProcess(
        *files,
        *(word for override in overrides for word in ('-p', override)),
        '-r', f'__ns:={namespace}',
        '-p', f'mesh:={arguments.mesh.absolute()}',
        '-p', 'image_transport:=compressed',
        '-p', 'save_pose_period:=0.0',
        '-p', 'publish_tf:=none',
        environment={'OMP_NUM_THREADS': '1'},
        log=log,
    )  # fmt: skip
    os.sched_setaffinity(node.pid, cores)
    return node


def _round(
    number: int,
    camera: LiveCamera,
    begin: float,
    images: dict[int, int],
    sequence: PosedSequence,
    cores: float,
) -> Round:
    answers = {stamp: at for stamp, at in camera.poses.items() if stamp in images}
    latencies = [1e3 * (at - camera.sent[stamp]) for stamp, (at, _) in answers.items()]
    truths = {stamp: sequence.poses[images[stamp]] for stamp in answers}
    errors = [100 * distance(pose, truths[stamp])[0] for stamp, (_, pose) in answers.items()]
    p50, p95 = np.percentile(latencies, (50, 95)) if latencies else (np.nan, np.nan)
    return Round(
        camera=number,
        images=len(images),
        answered=len(answers),
        first_pose_s=min((at for at, _ in answers.values()), default=np.nan) - begin,
        p50_ms=float(p50),
        p95_ms=float(p95),
        node_p50_ms=camera.latency_ms[0],
        node_p95_ms=camera.latency_ms[1],
        median_cm=float(np.median(errors)) if errors else np.nan,
        max_cm=float(max(errors, default=np.nan)),
        losses=camera.losses,
        cores=cores,
    )


_HEADER = (
    'node',
    'answered',
    'first pose',
    'p50, p95',
    'in the node',
    'error: median, max',
    'lost',
    'cores',
)


def _cells(each: Round) -> tuple[str, ...]:
    return (
        str(each.camera),
        f'{each.answered} of {each.images}',
        f'{each.first_pose_s:.2f} s',
        f'{each.p50_ms:.0f}, {each.p95_ms:.0f} ms',
        f'{each.node_p50_ms:.0f}, {each.node_p95_ms:.0f} ms',
        f'{each.median_cm:.2f}, {each.max_cm:.2f} cm',
        str(each.losses),
        f'{each.cores:.2f}',
    )


def _table(rounds: list[Round]) -> Table:
    return Table(_HEADER, [_cells(each) for each in rounds])


def _said(each: Round) -> str:
    return '; '.join(f'{name} {cell}' for name, cell in zip(_HEADER, _cells(each), strict=True))


def _isolate_from_other_nodes() -> None:
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
