"""Plot of a replay: the path through the room from above, and errors over time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mesh_reloc_evaluation.demo.metrics import ReplayResult
from mesh_reloc_evaluation.painted_room.passerby import WALK_BEGIN, WALK_FROM_X, WALK_SPEED, WALK_Y
from mesh_reloc_evaluation.reporting.plot_file import plot_file
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.trajectory import Trajectory

ESTIMATE, TRUTH, PASSERBY, MEDIAN = '#d1495b', '#1d3557', '#e09f3e', '#2a7f62'
CUT_HEIGHT_M = 2.0
"""The plan omits what is higher."""
FROM_ABOVE_M = 200.0
"""Height of the camera of the plan: so high that walls appear as lines."""


@dataclass(frozen=True)
class Span:
    """Time in which the passer-by is visible, seconds after the first image."""

    begin: float
    end: float


def draw_replay(
    path: Path, mesh: TexturedMesh, truth: Trajectory, result: ReplayResult, passerby: Span | None
) -> None:
    """Write the plot as PNG."""
    with plot_file(path, 12.5, 5.6) as figure:
        left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.15, 1.0))[0]
        _draw_plan(left.subplots(), mesh, truth, result, passerby)
        _draw_errors(right.subplots(3, 1, sharex=True), truth, result, passerby)


def _draw_plan(
    axes: Axes, mesh: TexturedMesh, truth: Trajectory, result: ReplayResult, passerby: Span | None
) -> None:
    _draw_furniture(axes, mesh)
    if passerby is not None:
        begin, end = (
            WALK_FROM_X + WALK_SPEED * (seconds - WALK_BEGIN)
            for seconds in (passerby.begin, passerby.end)
        )
        axes.arrow(
            begin, WALK_Y, end - begin, 0, width=0.04, color=PASSERBY, label='passer-by', alpha=0.9
        )
    true, estimated = truth.poses[:, :2, 3], result.estimate.poses[:, :2, 3]
    axes.plot(*true.T, color='white', lw=6, alpha=0.7)
    axes.plot(*true.T, color=TRUTH, lw=3, label='truth')
    axes.plot(*estimated.T, 'o', ms=2.5, color=ESTIMATE, label='poses published', zorder=4)
    views = truth.poses[:: max(len(truth) // 10, 1)]
    axes.quiver(*views[:, :2, 3].T, *views[:, :2, 2].T, color=TRUTH, width=0.004, scale=11)
    axes.annotate('start', true[0], (0, -14), textcoords='offset points', ha='center', color=TRUTH)
    axes.set_aspect('equal')
    axes.set(title='Path through the room, from above', xlabel='x [m]', ylabel='y [m]')
    axes.legend(loc='upper center', bbox_to_anchor=(0.5, -0.1), ncols=3, frameon=False)


def _draw_furniture(axes: Axes, mesh: TexturedMesh) -> None:
    """Draw the room from high above, without its upper part."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    (wide, deep), pixels_per_metre = (high - low)[:2], 150
    focal = pixels_per_metre * FROM_ABOVE_M
    size = int(wide * pixels_per_metre), int(deep * pixels_per_metre)
    camera = Camera(*size, focal, focal, size[0] / 2 - 0.5, size[1] / 2 - 0.5)
    above = np.diag([1.0, -1.0, -1.0, 1.0])
    above[:3, 3] = (*(low + high)[:2] / 2, low[2] + FROM_ABOVE_M)
    below_cut = mesh.vertices[mesh.faces][..., 2].max(axis=1) < low[2] + CUT_HEIGHT_M
    lower = replace(
        mesh, faces=mesh.faces[below_cut], face_materials=mesh.face_materials[below_cut]
    )
    colour = Scene(lower, 'cpu').render(torch.from_numpy(above), camera).colour[0]
    axes.imshow(0.6 * colour.numpy() + 0.4, extent=(low[0], high[0], low[1], high[1]))


def _draw_errors(
    rows: NDArray[np.object_], truth: Trajectory, result: ReplayResult, passerby: Span | None
) -> None:
    series = (
        ('position error [cm]', result.metres * 100, '{:.2f} cm'),
        ('rotation error [deg]', result.degrees, '{:.2f} deg'),
        ('latency [ms]', result.latencies_ms, '{:.0f} ms'),
    )
    seconds = (truth.stamps_ns - truth.stamps_ns[0]) / 1e9
    answered = np.isin(truth.stamps_ns, result.estimate.stamps_ns)
    for axes, (label, values, form) in zip(rows, series, strict=True):
        # Images without a pose leave a gap in the line.
        by_image = np.full(len(truth), np.nan)
        by_image[answered] = values
        axes.plot(seconds, by_image, '.-', color=ESTIMATE, lw=1, ms=4)
        axes.set_ylabel(label)
        axes.grid(alpha=0.25)
        if passerby is not None:
            axes.axvspan(passerby.begin, passerby.end, color=PASSERBY, alpha=0.25, lw=0)
        if len(values):
            median = float(np.median(values))
            axes.axhline(median, color=MEDIAN, lw=1, ls='--')
            axes.set_title(f'median {form.format(median)}', loc='right', color=MEDIAN, fontsize=9)
            # The first image, which the node gets while it warms up, would compress the scale.
            axes.set_ylim(0, 1.3 * max(float(np.percentile(values, 98)), 1e-3))
    if passerby is not None:
        middle, place = (passerby.begin + passerby.end) / 2, rows[0].get_xaxis_transform()
        rows[0].text(middle, 0.88, 'passer-by', ha='center', color='0.35', transform=place)
    rows[0].set_title('Error against the truth, and latency', loc='left')
    rows[-1].set(xlabel='time [s]', xlim=(seconds[0], seconds[-1]))
