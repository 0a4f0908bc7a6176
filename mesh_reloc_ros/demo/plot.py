"""The picture of a replay: the way through the room from above, and the errors over time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mesh_reloc_ros.demo.figures import Outcome
from mesh_reloc_ros.demo.sample.passerby import WALK_BEGIN, WALK_FROM_X, WALK_SPEED, WALK_Y
from mesh_reloc_ros.geometry.trajectory import Trajectory
from mesh_reloc_ros.scene.mesh import TexturedMesh

ESTIMATE, TRUTH, PASSERBY, MARK = '#d1495b', '#1d3557', '#8d99ae', '#2a7f62'
CUT_HEIGHT_M = 2.1
"""What is higher up is left out of the plan."""


@dataclass(frozen=True)
class Span:
    """Time in which the passer-by is in the picture, seconds after the first image."""

    begin: float
    end: float


def draw_replay(
    path: Path, mesh: TexturedMesh, truth: Trajectory, outcome: Outcome, passerby: Span | None
) -> None:
    """Write the picture as PNG."""
    with mpl.rc_context({'font.size': 9, 'axes.spines.top': False, 'axes.spines.right': False}):
        figure = Figure(figsize=(12.5, 5.6), layout='constrained')
        FigureCanvasAgg(figure)
        left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.15, 1.0))[0]
        _draw_plan(left.subplots(), mesh, truth, outcome, passerby)
        _draw_errors(right.subplots(3, 1, sharex=True), truth, outcome, passerby)
        figure.savefig(path, dpi=110)


def _draw_plan(
    axes: Axes, mesh: TexturedMesh, truth: Trajectory, outcome: Outcome, passerby: Span | None
) -> None:
    _draw_furniture(axes, mesh)
    true, estimated = truth.poses[:, :2, 3], outcome.estimate.poses[:, :2, 3]
    if passerby is not None:
        ends = WALK_FROM_X + WALK_SPEED * (np.array([passerby.begin, passerby.end]) - WALK_BEGIN)
        axes.annotate(
            '',
            (ends[1], WALK_Y),
            (ends[0], WALK_Y),
            arrowprops={'arrowstyle': '->', 'color': PASSERBY, 'lw': 6, 'alpha': 0.8},
        )
        axes.plot([], [], color=PASSERBY, lw=4, label='passer-by')
    axes.plot(*true.T, color='white', lw=5, alpha=0.8)
    axes.plot(*true.T, color=TRUTH, lw=2.4, label='truth')
    axes.plot(*estimated.T, 'o', ms=3.2, color=ESTIMATE, label='poses published')
    views = truth.poses[:: max(len(truth) // 10, 1)]
    axes.quiver(
        *views[:, :2, 3].T, *views[:, :2, 2].T, color=TRUTH, width=0.004, scale=11, zorder=3
    )
    axes.annotate(
        'start',
        true[0],
        (-4, -12),
        textcoords='offset points',
        ha='center',
        color=TRUTH,
        weight='bold',
    )
    axes.set_aspect('equal')
    axes.set(title='The way through the room, from above', xlabel='x [m]', ylabel='y [m]')
    axes.legend(loc='upper center', bbox_to_anchor=(0.5, -0.1), ncols=3, frameon=False)


def _draw_furniture(axes: Axes, mesh: TexturedMesh) -> None:
    """Draw the faces that look up, the lower ones first, each in the colour of its texture."""
    corners = mesh.vertices[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.maximum(np.linalg.norm(normals, axis=1), 1e-12)
    heights = corners[..., 2].max(axis=1)
    shown = np.flatnonzero((normals[:, 2] / lengths > 0.3) & (heights < CUT_HEIGHT_M))
    shown = shown[np.argsort(heights[shown])]
    colours = _face_colours(mesh, shown)
    axes.add_collection(
        PolyCollection(list(corners[shown, :, :2]), facecolors=colours, edgecolors=colours, lw=0.3)
    )
    low, high = mesh.vertices[:, :2].min(axis=0), mesh.vertices[:, :2].max(axis=0)
    axes.plot(
        [low[0], high[0], high[0], low[0], low[0]],
        [low[1], low[1], high[1], high[1], low[1]],
        color='0.2',
        lw=2.5,
    )


def _face_colours(mesh: TexturedMesh, faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a pale colour [N, 3] per face, from the texture at its centre."""
    centres = mesh.uvs[mesh.faces[faces]].mean(axis=1)
    colours = np.empty((len(faces), 3))
    for material, texture in enumerate(mesh.textures):
        chosen = mesh.face_materials[faces] == material
        height, width = texture.shape[:2]
        column = (centres[chosen, 0] * width).astype(int).clip(0, width - 1)
        row = ((1 - centres[chosen, 1]) * height).astype(int).clip(0, height - 1)
        colours[chosen] = texture[row, column] / 255
    return np.asarray(0.45 * colours + 0.55)


def _draw_errors(
    rows: NDArray[np.object_], truth: Trajectory, outcome: Outcome, passerby: Span | None
) -> None:
    seconds = (outcome.estimate.stamps_ns - truth.stamps_ns[0]) / 1e9
    series = (
        ('position error [cm]', outcome.metres * 100, '{:.2f} cm'),
        ('rotation error [deg]', outcome.degrees, '{:.2f} deg'),
        ('latency [ms]', outcome.latencies_ms, '{:.0f} ms'),
    )
    for axes, (label, values, form) in zip(rows, series, strict=True):
        if passerby is not None:
            axes.axvspan(passerby.begin, passerby.end, color=PASSERBY, alpha=0.25, lw=0)
        axes.plot(seconds, values, '.-', color=ESTIMATE, lw=1, ms=4)
        axes.set_ylabel(label)
        axes.grid(alpha=0.25)
        if len(values):
            # The first image finds the node still warming up: it would squeeze the rest.
            axes.set_ylim(0, 1.25 * max(float(np.percentile(values, 98)), 1e-3))
            median = float(np.median(values))
            axes.axhline(median, color=MARK, lw=1, ls='--')
            axes.text(
                1.0,
                1.02,
                f'median {form.format(median)}',
                color=MARK,
                ha='right',
                transform=axes.transAxes,
            )
    if passerby is not None:
        middle = (passerby.begin + passerby.end) / 2
        rows[0].text(
            middle,
            0.9,
            'passer-by',
            ha='center',
            color='0.35',
            transform=rows[0].get_xaxis_transform(),
        )
    missing = np.setdiff1d(truth.stamps_ns, outcome.estimate.stamps_ns)
    rows[0].plot(
        (missing - truth.stamps_ns[0]) / 1e9,
        np.zeros(len(missing)),
        '|',
        color='0.3',
        ms=8,
        clip_on=False,
    )
    rows[0].set_title('Error against the truth, and latency', loc='left')
    rows[-1].set_xlabel(
        'time [s]'
        + ("   (ticks at the top panel's foot: images without a pose)" if len(missing) else '')
    )
