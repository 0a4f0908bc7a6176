"""`mesh_reloc study trust`: signs of right and of wrong poses, and what trust makes of them."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.posed_sequence import read_known_images
from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_evaluation.reporting.table import Table
from mesh_reloc_evaluation.study.trust.trials import Outcome, make_trials
from mesh_reloc_ros.cli.arguments import (
    add_ground_truth,
    add_inputs,
    add_output_folder,
    settings_of_arguments,
)
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.progress import progress_bar

_OVERRIDES = ('device', 'rasterizer')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc study trust`."""
    add_inputs(parser, _OVERRIDES, start_pose=False)
    add_ground_truth(parser)
    parser.add_argument(
        '--images',
        type=int,
        default=25,
        metavar='N',
        help='how many images, spread over the recording (default: %(default)s)',
    )
    add_output_folder(parser, 'study_output')


def run(arguments: argparse.Namespace) -> int:
    """Gather the signs, print and draw them, and return the exit status 0.

    :raises InputError: an argument, the mesh, the bag, the truth or the output is unusable.
    """
    if arguments.images < 1:
        raise InputError('--images must be at least 1')
    settings = settings_of_arguments(arguments, _OVERRIDES)
    check_writable(arguments.output)
    # Imported here, as the renderer and the plots take a while that other commands need not wait.
    from mesh_reloc_evaluation.out_of_map.images import Foreign
    from mesh_reloc_evaluation.study.trust.evaluator import TrialJudge
    from mesh_reloc_evaluation.study.trust.plot import draw_trust
    from mesh_reloc_ros.process import use_one_core_per_operation
    from mesh_reloc_ros.render.scene import Scene

    use_one_core_per_operation()
    frames, poses = read_known_images(arguments)
    scene = Scene.load(arguments.mesh, settings.device, settings.rasterizer)
    foreign = Foreign(frames[0].camera, scene.mesh, None, [])
    trials = list(
        make_trials(frames, poses, arguments.images, lambda number: foreign.image(number)[1])
    )
    judge = TrialJudge(scene, settings)
    shown = progress_bar(trials, 'trust', sys.stdout, unit='alignment')
    outcomes = [judge.outcome(trial) for trial in shown]
    report = Report(arguments.output, 'trust.json')
    report.add('Alignments that pass, by kind', table_of(outcomes), lines_of(outcomes))
    report.content['outcomes'] = [_as_json(outcome) for outcome in outcomes]
    report.write()
    draw_trust(arguments.output / 'trust.png', outcomes, settings.tracking)
    return 0


def _as_json(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as JSON has it, which knows no numbers that are not finite."""
    signs = {name: value if np.isfinite(value) else None for name, value in outcome.signs.items()}
    return {**dataclasses.asdict(outcome), 'signs': signs}


def table_of(outcomes: list[Outcome]) -> Table:
    """Return how many of each kind pass each step, right and wrong ones apart."""
    rows = []
    for kind in dict.fromkeys(outcome.kind for outcome in outcomes):
        for right in (True, False):
            some = [o for o in outcomes if o.kind == kind and o.right is right]
            if some:
                rows.append([kind, 'right' if right else 'wrong', *_counts(some)])
    for right in (True, False):
        some = [o for o in outcomes if o.right is right]
        rows.append(['all', 'right' if right else 'wrong', *_counts(some)])
    header = ['image and start', 'ended', 'alignments', 'may go on', 'may enter']
    return Table([*header, 'second look agrees', 'trusted'], rows)


def _counts(outcomes: list[Outcome]) -> list[str]:
    steps = ('goes_on', 'enters', 'agrees', 'trusted')
    passed = [sum(getattr(outcome, step) for outcome in outcomes) for step in steps]
    return [str(number) for number in (len(outcomes), *passed)]


def lines_of(outcomes: list[Outcome]) -> list[str]:
    """Return the figures on which the thresholds rest: how far right and wrong are apart."""
    lines = []
    for name, title in (('score', 'score'), ('inlier_ratio', 'inlier ratio')):
        right = _finite([o.signs[name] for o in outcomes if o.right])
        wrong = _finite([o.signs[name] for o in outcomes if not o.right and not _is_focal(o)])
        if len(right) and len(wrong):
            lines.append(
                f'{title}: right poses {right.min():.2f} and more (5th percentile'
                f' {np.percentile(right, 5):.2f}), wrong ones {wrong.max():.2f} and less (95th'
                f' percentile {np.percentile(wrong, 95):.2f}), wrong focal lengths apart'
            )
    return lines


def _is_focal(outcome: Outcome) -> bool:
    return outcome.kind.startswith('focal')


def _finite(values: list[float]) -> NDArray[np.float64]:
    array = np.array(values)
    return array[np.isfinite(array)]
