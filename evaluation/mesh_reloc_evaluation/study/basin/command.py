"""`mesh_reloc study basin`: from how far off a start pose leads to the truth."""

from __future__ import annotations

import argparse
import sys

from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_evaluation.study.basin.metrics import (
    BOTH,
    RIGHT_DEG,
    RIGHT_SHARE,
    ROTATION,
    TRANSLATION,
    as_json,
    basin_figures,
    lines_of,
    table_of,
)
from mesh_reloc_ros.cli.arguments import (
    add_ground_truth,
    add_inputs,
    add_output_folder,
    settings_of_arguments,
)
from mesh_reloc_ros.errors import InputError

_OVERRIDES = ('device', 'rasterizer')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc study basin`."""
    parser.epilog = (
        'Starts are off the truth by an angle and a share of the median depth, in random'
        ' directions. lm: one thorough alignment. lm with hint: where that does not reach the bar,'
        ' the search around the start. adam: on a smaller image. Without --mesh, in a small room'
        ' that is made on the fly. The same each time.'
    )
    add_inputs(parser, _OVERRIDES, required=False, start_pose=False)
    add_ground_truth(parser)
    parser.add_argument(
        '--trials',
        type=int,
        default=60,
        metavar='N',
        help='starts at each level where both are off; half as many where only rotation or only'
        ' translation is (default: %(default)s)',
    )
    parser.add_argument(
        '--adam-trials',
        type=int,
        default=6,
        metavar='N',
        help='starts of adam at each level where both are off, a few seconds each; 0: none'
        ' (default: %(default)s)',
    )
    add_output_folder(parser, 'study_output')


def run(arguments: argparse.Namespace) -> int:
    """Run the trials, print and draw what came of them, and return the exit status 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    if arguments.trials < 1 or arguments.adam_trials < 0:
        raise InputError('--trials must be at least 1, and --adam-trials at least 0')
    settings = settings_of_arguments(arguments, _OVERRIDES)
    check_writable(arguments.output)
    # Imported here, as the renderer and the plots take a while that other commands need not wait.
    from mesh_reloc_evaluation.study.basin.plot import draw_basin
    from mesh_reloc_evaluation.study.basin.trials import ends_of, read_recording
    from mesh_reloc_ros.process import use_one_core_per_operation

    use_one_core_per_operation()
    recording = read_recording(arguments, settings)
    alone = (arguments.trials + 1) // 2
    ends = ends_of(
        recording,
        settings,
        lm=[(level, arguments.trials) for level in BOTH]
        + [(level, alone) for level in (*ROTATION, *TRANSLATION)],
        adam=[(level, arguments.adam_trials) for level in BOTH],
        file=sys.stdout,
    )
    figures = basin_figures(ends)
    report = Report(arguments.output, 'basin.json')
    report.add('Starts that lead to the truth', table_of(figures), lines_of(ends))
    report.content |= {
        'right_within': {'share_of_depth': RIGHT_SHARE, 'degrees': RIGHT_DEG},
        'levels': figures,
        'ends': [as_json(end) for end in ends],
    }
    report.write()
    draw_basin(arguments.output / 'basin.png', figures)
    print(f'\nwritten to {arguments.output}')
    return 0
