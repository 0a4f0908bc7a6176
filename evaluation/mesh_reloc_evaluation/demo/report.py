"""Files that the demo writes: trajectories, plots, overlays, metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mesh_reloc_evaluation.demo.messages import Replay
from mesh_reloc_evaluation.demo.metrics import ReplayResult
from mesh_reloc_evaluation.demo.overlay_modes import draw_overlay_modes
from mesh_reloc_evaluation.demo.plot import Span, draw_replay
from mesh_reloc_evaluation.painted_room.sample import SampleFiles
from mesh_reloc_ros.files import write_text_atomically
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.recordings.tum import write_tum
from mesh_reloc_ros.types.trajectory import Trajectory

SEEN_FROM = 0.02
"""Share of the image that the passer-by must cover to count as visible."""


def passerby_span(sample: SampleFiles, truth: Trajectory) -> Span | None:
    """Return when the passer-by is visible; None if never."""
    seen = np.flatnonzero(sample.covered() > SEEN_FROM)
    if not len(seen):
        return None
    begin, end = (truth.stamps_ns[seen[[0, -1]]] - truth.stamps_ns[0]) / 1e9
    return Span(float(begin), float(end))


def write_report(
    folder: Path, sample: SampleFiles, truth: Trajectory, replay: Replay, result: ReplayResult
) -> None:
    """Write estimate.tum, groundtruth.tum, report.json, trajectory.png and overlay_*.png.

    :raises InputError: the sample cannot be read.
    """
    span = passerby_span(sample, truth)
    write_tum(folder / 'estimate.tum', result.estimate)
    write_tum(folder / 'groundtruth.tum', truth)
    for old in folder.glob('overlay_*.png'):
        old.unlink()
    first = int(truth.stamps_ns[0])
    for stamp_ns, image in replay.overlays.items():
        name = f'overlay_{(stamp_ns - first) / 1e9:05.2f}s.png'
        cv2.imwrite(str(folder / name), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    draw_replay(folder / 'trajectory.png', load_mesh(sample.mesh), truth, result, span)
    seconds = 0.0 if span is None else (span.begin + span.end) / 2
    draw_overlay_modes(folder / 'overlay_modes.png', sample, result, seconds)
    _write_json(folder / 'report.json', _as_json(result, replay, span))


def _as_json(result: ReplayResult, replay: Replay, span: Span | None) -> dict[str, Any]:
    poses = zip(
        result.estimate.stamps_ns.tolist(),
        result.metres,
        result.degrees,
        result.latencies_ms,
        strict=True,
    )
    return {
        'summary': {**result.metrics(), 'faults': result.failures()},
        'passer_by_s': None if span is None else [span.begin, span.end],
        'poses': [
            {
                'stamp': stamp_ns / 1e9,
                'error_cm': round(100 * metres, 4),
                'error_deg': round(degrees, 4),
                'latency_ms': round(latency_ms, 2),
                'covariance': replay.covariances[stamp_ns].ravel().tolist()
                if stamp_ns in replay.covariances
                else None,
            }
            for stamp_ns, metres, degrees, latency_ms in poses
        ],
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_text_atomically(path, json.dumps(content, indent=1))
