"""`mesh_reloc study consistency`: are errors of the pose as large as its covariance says."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from mesh_reloc_evaluation.reporting.report import Report, check_writable
from mesh_reloc_evaluation.reporting.table import Table
from mesh_reloc_ros.cli.arguments import add_ground_truth, add_output_folder
from mesh_reloc_ros.errors import InputError

Array = NDArray[np.float64]
_DIMENSIONS = 6
AXES = ('x', 'y', 'z', 'about x', 'about y', 'about z')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc study consistency`."""
    parser.epilog = (
        'Images are rendered at true poses, with noise and an exposure of their own, and aligned.'
        ' Without --mesh, in a small room that is made on the fly. With it, the poses are those of'
        ' the bag or of --ground-truth, and the camera is that of the bag, or one of 640x480. The'
        ' same each time.'
    )
    parser.add_argument('--mesh', type=Path, help='textured mesh (OBJ with MTL)')
    parser.add_argument('--bag', type=Path, help='folder of a rosbag2 recording in that mesh')
    add_ground_truth(parser)
    parser.add_argument(
        '--trials',
        type=int,
        default=100,
        metavar='N',
        help='images for each kind of noise (default: %(default)s)',
    )
    parser.add_argument(
        '--map-error-scale',
        type=float,
        default=0.0,
        metavar='K',
        help='alignment.map_error_scale; 0 as the mesh is exact here (default: %(default)s)',
    )
    add_output_folder(parser, 'study_output')


def run(arguments: argparse.Namespace) -> int:
    """Run the trials, print and draw what came of them, and return the exit status 0.

    :raises InputError: an argument, the mesh, the poses or the output is unusable.
    """
    if arguments.trials < 1 or not arguments.map_error_scale >= 0:
        raise InputError('--trials must be at least 1, and --map-error-scale at least 0')
    check_writable(arguments.output)
    # Imported here, as the renderer and the plots take a while that other commands need not wait.
    from mesh_reloc_evaluation.study.consistency.plot import draw_consistency
    from mesh_reloc_evaluation.study.consistency.trials import NOISES, read_setup, run_trials
    from mesh_reloc_ros.process import use_one_core_per_operation

    use_one_core_per_operation()
    setup = read_setup(arguments)
    report = Report(arguments.output, 'consistency.json')
    figures = {}
    for noise in NOISES:
        print(f'{noise.name}: {noise.about}', flush=True)
        trials = run_trials(
            setup, noise, arguments.trials, arguments.map_error_scale, file=sys.stdout
        )
        figures[noise.name] = consistency_figures(trials.errors, trials.covariances)
    report.content |= {'map_error_scale': arguments.map_error_scale, 'noises': figures}
    report.add('Consistency', _table(figures), _notes(arguments.trials))
    report.write()
    draw_consistency(arguments.output / 'consistency.png', figures)
    print(f'\nwritten to {arguments.output}')
    return 0


def nees(errors: Array, covariances: Array) -> Array:
    """Return the normalised estimation errors squared [N] of errors [N, 6]: 6 on average."""
    solved = np.linalg.solve(covariances, errors[..., None])[..., 0]
    return np.asarray((errors * solved).sum(axis=1))


def band_of_mean(trials: int) -> tuple[float, float]:
    """Return where the mean over N independent trials lies with a probability of 95 %.

    The sum is distributed as chi-square with 6 N degrees of freedom if the covariance is right. See
    Y. Bar-Shalom, X. Li, T. Kirubarajan, "Estimation with applications to tracking and navigation",
    2001, section 5.4.
    """
    low, high = chi2.ppf((0.025, 0.975), _DIMENSIONS * trials) / trials
    return float(low), float(high)


def consistency_figures(errors: Array, covariances: Array) -> dict[str, Any]:
    """Return the figures of N trials of one noise: the NEES, and errors and sigmas by axis."""
    values = nees(errors, covariances)
    return {
        'trials': len(values),
        'mean_nees': float(values.mean()),
        'median_nees': float(np.median(values)),
        'band': band_of_mean(len(values)),
        'within_95': float((values < chi2.ppf(0.95, _DIMENSIONS)).mean()),
        'nees': values.tolist(),
        'error_rms': np.sqrt((errors**2).mean(axis=0)).tolist(),
        'sigma_rms': np.sqrt(covariances.diagonal(axis1=1, axis2=2).mean(axis=0)).tolist(),
    }


def _table(figures: dict[str, dict[str, Any]]) -> Table:
    rows = []
    for name, of in figures.items():
        low, high = of['band']
        where = 'in' if low <= of['mean_nees'] <= high else ('+' if of['mean_nees'] > high else '-')
        error_mm, sigma_mm = (1e3 * float(np.linalg.norm(of[f'{k}_rms'][:3])) for k in _KINDS)
        error_mrad, sigma_mrad = (1e3 * float(np.linalg.norm(of[f'{k}_rms'][3:])) for k in _KINDS)
        rows.append(
            (
                name,
                f'{of["mean_nees"]:.2f}',
                f'{low:.2f} to {high:.2f}',
                where,
                f'{of["within_95"]:.0%}',
                f'{error_mm:.3g}',
                f'{sigma_mm:.3g}',
                f'{error_mrad:.3g}',
                f'{sigma_mrad:.3g}',
            )
        )
    header = (
        *('noise', 'mean NEES', '95 % band', 'in band', 'below 12.6'),
        *('error mm', 'sigma mm', 'error mrad', 'sigma mrad'),
    )
    return Table(header, rows)


_KINDS = ('error', 'sigma')


def _notes(trials: int) -> list[str]:
    return [
        f'{trials} images for each noise, each with noise and exposure of its own',
        'NEES: 6 on average, and below 12.6 in 95 % of images, where the covariance is right;'
        ' more: the pose is less exact than it claims to be',
        'errors and sigmas are root mean squares of the length',
    ]
