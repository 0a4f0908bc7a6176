"""Plot of the flow that remains between render and image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from mesh_reloc_evaluation.bench.plot import COLOURS
from mesh_reloc_evaluation.bench.residual_flow import ResidualFlow, cell_keys, surface_points
from mesh_reloc_evaluation.reporting.plot_file import plot_file
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array

_VIEWS = 3
_MAP = 'turbo'
_ARROWS_PX = 24
"""Spacing of the arrows, in pixels of an image 640 pixels wide."""


def draw_residual_flow(path: Path, scene: Scene, flow: ResidualFlow) -> None:
    """Write some views of the mesh, coloured by the flow, and a histogram."""
    poses = [flow.poses[i] for i in _spread(len(flow.poses))]
    limit = float(np.ceil(2 * np.percentile(flow.pixels, 95)) / 2)
    tall = 3 * (3.0 * flow.camera.height / flow.camera.width + 0.1)
    with plot_file(path, 3.3 * len(poses) + 4.0, tall) as figure:
        widths = (3.3 * len(poses) + 0.6, 3.4)
        maps, chart = figure.subfigures(1, 2, squeeze=False, width_ratios=widths)[0]
        grid = maps.subplots(3, len(poses), squeeze=False)
        for column, pose in zip(grid.T, poses, strict=True):
            coloured = _draw_view(column, scene, flow, pose, limit)
        for row, label in zip(
            grid[:, 0],
            ('render', 'mean length of the flow', 'length of the mean flow\n(arrows: x 15)'),
            strict=True,
        ):
            row.set_ylabel(label)
        bar = maps.colorbar(coloured, ax=grid[1:, :], shrink=0.8, extend='max')
        bar.set_label('px')
        _draw_histogram(chart.subplots(), flow, limit)


def _draw_view(
    column: NDArray[np.object_], scene: Scene, flow: ResidualFlow, pose: Array, limit: float
) -> AxesImage:
    render = scene.render(torch.from_numpy(pose), flow.camera)
    colour = render.colour[0].cpu().numpy()
    cell, known = _cells_seen(
        flow, cell_keys(surface_points(render, pose, flow.camera), flow.cell_m)
    )
    known = known & render.mask[0].cpu().numpy()
    backdrop = 0.35 * colour.mean(-1, keepdims=True).repeat(3, axis=-1) + 0.6
    steady = np.linalg.norm(flow.vectors, axis=1)
    for axes, image in zip(column, (colour, backdrop, backdrop), strict=True):
        axes.imshow(image.clip(0, 1))
        axes.set(xticks=[], yticks=[])
    for axes, values in ((column[1], flow.lengths), (column[2], steady)):
        shown = np.where(known, values[cell], np.nan)
        coloured = axes.imshow(shown, cmap=_MAP, vmin=0, vmax=limit, interpolation='nearest')
    _draw_arrows(column[2], flow.vectors[cell], known)
    return coloured


def _cells_seen(
    flow: ResidualFlow, keys: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the index of each pixel's cell, and whether that cell has a mean."""
    index = np.searchsorted(flow.cells, keys).clip(0, max(len(flow.cells) - 1, 0))
    return index, flow.cells[index] == keys


def _draw_arrows(axes: Axes, vectors: Array, known: NDArray[np.bool_]) -> None:
    """Draw the mean flow in the squares of a grid."""
    height, width = known.shape
    step = max(round(_ARROWS_PX * width / 640), 1)
    rows, columns = height // step, width // step
    cut = (slice(rows * step), slice(columns * step))
    weight = known[cut].reshape(rows, step, columns, step).sum((1, 3))
    summed = np.where(known[..., None], vectors, 0)[cut].reshape(rows, step, columns, step, 2)
    mean = summed.sum((1, 3)) / np.maximum(weight, 1)[..., None]
    y, x = np.nonzero(weight > 0.25 * step**2)
    axes.quiver(
        (x + 0.5) * step,
        (y + 0.5) * step,
        *mean[y, x].T,
        angles='xy',
        scale_units='xy',
        scale=1 / 15,
        width=0.003,
        color='black',
    )


def _draw_histogram(axes: Axes, flow: ResidualFlow, limit: float) -> None:
    metrics = flow.metrics()
    lengths = flow.pixels
    bins = np.linspace(0, 1.5 * limit, 46).tolist()
    share = np.full(len(lengths), 100 / len(lengths))
    axes.hist(lengths, bins=bins, weights=share, color=COLOURS['sift'], alpha=0.8)
    for key, label in (('median_px', 'median'), ('p90_px', 'p90')):
        axes.axvline(metrics[key], color=COLOURS['lm'], lw=1.3, ls='--')
        axes.annotate(
            f'{label}\n{metrics[key]:.2f} px',
            (metrics[key], 0.97),
            (4, 0),
            xycoords=axes.get_xaxis_transform(),
            textcoords='offset points',
            va='top',
            color=COLOURS['lm'],
        )
    axes.set(
        xlabel='residual flow [px]',
        ylabel='share of the pixels [%]',
        title='Flow from render to image\nwhere it can be measured',
        xlim=(0, 1.5 * limit),
    )


def _spread(count: int) -> list[int]:
    return sorted({round(i) for i in np.linspace(0, count - 1, _VIEWS).tolist()})
