"""A picture of what is displaced before and after a calibration."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.types import Array
from mesh_reloc_tools.calibrate.solve import Calibration, Fit

# Displacements are averaged over squares, and drawn longer than they are by a factor that is said.
_ACROSS, _FEWEST, _WIDTH_PX, _LONGEST = 20, 6, 720, 1.2
_BACKGROUND, _ARROW, _TEXT = (250, 248, 246), (60, 90, 200), (50, 45, 40)


def draw_shifts(calibration: Calibration) -> NDArray[np.uint8]:
    """Return the displacements before and after side by side, BGR."""
    camera = calibration.lens.camera
    size = np.array([camera.width, camera.height])
    means = [_means(fit, size) for fit in (calibration.before, calibration.after)]
    lengths = np.concatenate([np.linalg.norm(shifts, axis=1) for _, shifts in means])
    cell = _WIDTH_PX / _ACROSS
    longest = max(float(np.quantile(lengths, 0.98)), 1e-3) if len(lengths) else 1.0
    factor = _LONGEST * cell / (longest * _WIDTH_PX / camera.width)
    panels = [
        _panel(title, fit, mean, size, factor)
        for title, fit, mean in zip(
            ('before', 'after'), (calibration.before, calibration.after), means, strict=True
        )
    ]
    gap = np.full((panels[0].shape[0], 16, 3), 255, np.uint8)
    return np.hstack((panels[0], gap, panels[1]))


def _means(fit: Fit, size: Array) -> tuple[Array, Array]:
    """Return the mean place and displacement [N, 2] of each square with enough blocks."""
    side = size[0] / _ACROSS
    squares = np.floor(fit.pixels / side).astype(int)
    _, square, count = np.unique(squares, axis=0, return_inverse=True, return_counts=True)
    square = square.ravel()
    sums = np.zeros((len(count), 4))
    np.add.at(sums, square, np.hstack((fit.pixels, fit.shifts)))
    enough = count >= _FEWEST
    means = sums[enough] / count[enough, None]
    return means[:, :2], means[:, 2:]


def _panel(
    title: str, fit: Fit, means: tuple[Array, Array], size: Array, factor: float
) -> NDArray[np.uint8]:
    scale = _WIDTH_PX / size[0]
    panel = np.full((round(size[1] * scale) + 34, _WIDTH_PX, 3), _BACKGROUND, np.uint8)
    for place, shift in zip(*means, strict=True):
        begin = np.round(scale * place).astype(int)
        end = np.round(scale * (place + factor * shift)).astype(int)
        cv2.arrowedLine(panel, begin.tolist(), end.tolist(), _ARROW, 1, cv2.LINE_AA, tipLength=0.25)
    typical = float(np.median(np.linalg.norm(means[1], axis=1))) if len(means[1]) else 0.0
    text = f'{title}: {typical:.2f} px (median), agreement {fit.agreement:.3f}'
    text += f'; arrows {factor:.0f} times as long'
    at = (8, panel.shape[0] - 11)
    cv2.putText(panel, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, _TEXT, 1, cv2.LINE_AA)
    return panel
