"""Normalised estimation errors squared (NEES), and errors beside their predicted sigmas."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import chi2

from mesh_reloc_evaluation.reporting.table import Table
from mesh_reloc_ros.types import Array

AXES = ('x', 'y', 'z', 'about x', 'about y', 'about z')
_DIMENSIONS = 6
_KINDS = ('error', 'sigma')


def nees(errors: Array, covariances: Array) -> Array:
    """Return the NEES [N] of errors [N, 6] with covariances [N, 6, 6]; 6 on average."""
    solved = np.linalg.solve(covariances, errors[..., None])[..., 0]
    return np.asarray((errors * solved).sum(axis=1))


def band_of_mean(trials: int) -> tuple[float, float]:
    """Return the 95 % interval of the mean NEES of N independent trials.

    If the covariance is right, the sum is chi-square distributed with 6 N degrees of freedom. See
    Y. Bar-Shalom, X. Li, T. Kirubarajan, "Estimation with applications to tracking and navigation",
    2001, section 5.4.
    """
    low, high = chi2.ppf((0.025, 0.975), _DIMENSIONS * trials) / trials
    return float(low), float(high)


def summarize(errors: Array, covariances: Array) -> dict[str, Any]:
    """Return the metrics of N trials with one noise: NEES, and errors and sigmas by axis."""
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


def consistency_table(metrics: dict[str, dict[str, Any]]) -> Table:
    """Return one row per noise."""
    rows = []
    for name, of in metrics.items():
        low, high = of['band']
        where = 'in' if low <= of['mean_nees'] <= high else ('+' if of['mean_nees'] > high else '-')
        millimetres = (1e3 * float(np.linalg.norm(of[f'{kind}_rms'][:3])) for kind in _KINDS)
        milliradians = (1e3 * float(np.linalg.norm(of[f'{kind}_rms'][3:])) for kind in _KINDS)
        rows.append(
            (
                name,
                f'{of["mean_nees"]:.2f}',
                f'{low:.2f} to {high:.2f}',
                where,
                f'{of["within_95"]:.0%}',
                *(f'{value:.3g}' for value in (*millimetres, *milliradians)),
            )
        )
    header = (
        *('noise', 'mean NEES', '95 % band', 'in band', 'below 12.6'),
        *('error mm', 'sigma mm', 'error mrad', 'sigma mrad'),
    )
    return Table(header, rows)


def notes(trials: int) -> list[str]:
    """Return how to read the table."""
    return [
        f'{trials} images per noise, each with its own noise and exposure',
        'NEES: if the covariance is right, 6 on average and below 12.6 in 95 % of the images; if'
        ' larger, the reported covariance is too small',
        'errors and sigmas: root mean square of the length',
    ]
