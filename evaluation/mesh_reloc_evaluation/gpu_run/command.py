"""The benchmark as a program: `python -m mesh_reloc_evaluation.gpu_run.command`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np

from mesh_reloc_evaluation.gpu_run import benchmark, tables
from mesh_reloc_evaluation.gpu_run.benchmark import Extent, Row, Subject
from mesh_reloc_evaluation.posed_sequence import PosedSequence, read_posed_sequence
from mesh_reloc_evaluation.reporting.machine import machine_line
from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_evaluation.reporting.table import Table
from mesh_reloc_evaluation.small_room import (
    CAMERA,
    photographed,
    pose_at,
    rendered,
    small_room_mesh,
)
from mesh_reloc_ros.cli.arguments import add_inputs, settings_of_arguments
from mesh_reloc_ros.config.alignment import AdamSettings, AlignmentSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.process import use_one_core_per_operation
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track import warm_up
from mesh_reloc_ros.types.frame import Frame

PARTS = ('modes', 'compared', 'faces', 'sizes')
_Sections = dict[
    str, tuple[Callable[[Subject], list[Row]], dict[str, Callable[[list[Row]], Table]]]
]
_SECTIONS: _Sections = {
    'modes': (
        benchmark.by_mode,
        {
            'By mode': lambda rows: tables.cost_table(rows, 'mode'),
            'By stage, ms p50': tables.stage_table,
            'Graphs, ms p50 by CUDA events': tables.graph_table,
            'Targets': tables.target_table,
        },
    ),
    'compared': (benchmark.compared, {'Compared': tables.comparison_table}),
    'faces': (
        benchmark.by_faces,
        {
            'By faces': lambda rows: tables.cost_table(rows, 'faces', 'mode', 'load_s'),
            'Never slower than the CPU': tables.never_slower_table,
        },
    ),
    'sizes': (
        benchmark.by_size,
        {'By image size': lambda rows: tables.cost_table(rows, 'size', 'mode')},
    ),
}


def main(words: list[str] | None = None) -> int:
    """Measure, write tables and metrics after each part, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_inputs(parser, (), required=False)
    parser.add_argument('--ground-truth', type=Path, metavar='TRUTH.tum')
    parser.add_argument('--output', type=Path, required=True, metavar='DIR')
    parser.add_argument('--parts', default=','.join(PARTS), help='default: %(default)s')
    parser.add_argument(
        '--dry-run', action='store_true', help='a small room, few images, on an emulated GPU'
    )
    arguments = parser.parse_args(words)
    try:
        check_writable(arguments.output)
        use_one_core_per_operation()
        if not arguments.dry_run:
            return _measure(_subject(arguments), arguments)
        from mesh_reloc_evaluation.emulated_gpu.emulation import emulated_gpu

        # An emulated GPU is slow: nothing is learnt from timing it often.
        once = mock.patch.multiple(warm_up, _UNTIMED=0, _TIMED=1)
        with emulated_gpu(), once:
            return _measure(_small_subject(), arguments)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2


def _measure(subject: Subject, arguments: argparse.Namespace) -> int:
    report = Report(arguments.output, 'gpu.json')
    report.add('Machine', lines=[machine_line(report.content['machine'])])
    for part in arguments.parts.split(','):
        if part not in _SECTIONS:
            raise InputError(f'--parts {part}: choose from {", ".join(PARTS)}')
        measure, titles = _SECTIONS[part]
        rows = measure(subject)
        report.content[part] = rows
        for title, table in titles.items():
            report.add(title, table(rows))
        report.write()
    failed = [
        row['mode']
        for part in PARTS
        for row in report.content.get(part, ())
        if row.get('has_failed')
    ]
    if failed:
        print(f'the solver failed on the GPU in mode {failed[0]}', file=sys.stderr)
    return 1 if failed else 0


def _subject(arguments: argparse.Namespace) -> Subject:
    mesh = load_mesh(arguments.mesh)
    sequence = read_posed_sequence(arguments).about(mesh.origin)
    return Subject(mesh.about_zero(), sequence, settings_of_arguments(arguments, ()))


def _small_subject() -> Subject:
    """Return the small room and few images. Triton's interpreter is slow: few steps, too."""
    mesh, poses = small_room_mesh(), np.array([pose_at(1.5 * k) for k in range(4)])
    scene = Scene(mesh, 'cpu')
    frames = [
        Frame(1_000_000_000 + 80_000_000 * k, photographed(rendered(scene, pose), k), CAMERA)
        for k, pose in enumerate(poses)
    ]
    settings = Settings(
        alignment=AlignmentSettings(max_iterations=1, levels=2), adam=AdamSettings(iterations=2)
    )
    extent = Extent(
        modes_by_size=('cpu', 'hybrid'),
        faces=(1000,),
        sizes=((320, 240),),
        images=2,
        repeats=1,
        compared_size=(48, 36),
        compared_device='cpu',
        compared_images=(3,),
    )
    return Subject(mesh, PosedSequence(frames, poses), replace(settings), extent)


if __name__ == '__main__':
    sys.exit(main())
