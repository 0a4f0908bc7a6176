"""What a replay came to, in numbers, and whether that is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.demo.received import Replay
from mesh_reloc_ros.types.trajectory import Trajectory, pose_errors, summarize

MAX_MEDIAN_CM = 2.0
MAX_MEDIAN_DEG = 0.5
MIN_RATE_HZ = 5.0
MAX_GAP_S = 1.0


@dataclass(frozen=True)
class Outcome:
    """A replay against the truth."""

    images: int
    estimate: Trajectory
    """[M], as published."""
    metres: NDArray[np.float64]
    """[M]"""
    degrees: NDArray[np.float64]
    """[M]"""
    latencies_ms: NDArray[np.float64]
    """[M], from publishing an image to receiving its pose."""
    seconds: float
    """From the first image to the last."""
    longest_gap_s: float
    """Without a pose."""

    @property
    def rate_hz(self) -> float:
        """Poses per second of film."""
        return len(self.estimate) / self.seconds if self.seconds else 0.0

    def figures(self) -> dict[str, Any]:
        """Return everything as plain numbers."""
        figures: dict[str, Any] = {
            'images': self.images,
            **summarize(self.metres, self.degrees),
        }
        figures['rate_hz'] = self.rate_hz
        figures['longest_gap_s'] = self.longest_gap_s
        if len(self.latencies_ms):
            figures['latency_p50_ms'] = float(np.percentile(self.latencies_ms, 50))
            figures['latency_p95_ms'] = float(np.percentile(self.latencies_ms, 95))
        return figures

    def faults(self) -> list[str]:
        """Return what is not right, a line each; nothing where the tracking was right."""
        if not len(self.estimate):
            return ['the node published no pose']
        figures = self.figures()
        faults = []
        if figures['wrong']:
            faults.append(f'{figures["wrong"]} poses are off by more than 10 cm or 5 deg')
        if figures['median_cm'] > MAX_MEDIAN_CM:
            faults.append(f'median {figures["median_cm"]:.2f} cm is above {MAX_MEDIAN_CM} cm')
        if figures['median_deg'] > MAX_MEDIAN_DEG:
            faults.append(f'median {figures["median_deg"]:.2f} deg is above {MAX_MEDIAN_DEG} deg')
        if self.rate_hz < MIN_RATE_HZ:
            faults.append(f'{self.rate_hz:.1f} poses a second are fewer than {MIN_RATE_HZ:g}')
        if self.longest_gap_s > MAX_GAP_S:
            faults.append(f'{self.longest_gap_s:.1f} s went by without a pose')
        return faults


def outcome_of(replay: Replay, truth: Trajectory) -> Outcome:
    """Compare what the node published with the true poses.

    :param truth: a pose for every image.
    """
    answers = [pose for pose in replay.poses if pose.stamp_ns in replay.sent]
    poses = sorted(answers, key=lambda pose: pose.stamp_ns)
    estimate = Trajectory(
        np.array([pose.stamp_ns for pose in poses], dtype=np.int64),
        np.array([pose.map_T_camera for pose in poses]).reshape(-1, 4, 4),
    )
    metres, degrees = pose_errors(estimate, truth)
    latencies = [1e3 * (pose.received - replay.sent[pose.stamp_ns]) for pose in poses]
    first, last = int(truth.stamps_ns[0]), int(truth.stamps_ns[-1])
    stamps = np.concatenate(([first], estimate.stamps_ns, [last]))
    return Outcome(
        images=len(replay.sent),
        estimate=estimate,
        metres=metres,
        degrees=degrees,
        latencies_ms=np.array(latencies),
        seconds=(last - first) / 1e9,
        longest_gap_s=float(np.diff(stamps).max()) / 1e9,
    )


def table(outcome: Outcome) -> str:
    """Return the figures as a table to print."""
    figures = outcome.figures()
    share = 100 * len(outcome.estimate) / max(outcome.images, 1)
    rows = [
        ('images sent', f'{outcome.images}'),
        ('poses published', f'{len(outcome.estimate)}  ({share:.0f} %)'),
    ]
    if len(outcome.estimate):
        rows.append(('', f'{"median":>8}{"p90":>8}{"max":>8}'))
        for label, unit in (('position error [cm]', 'cm'), ('rotation error [deg]', 'deg')):
            values = (figures[f'{name}_{unit}'] for name in ('median', 'p90', 'max'))
            rows.append((label, ''.join(f'{value:8.2f}' for value in values)))
        rows.append(('wrong (> 10 cm or > 5 deg)', f'{figures["wrong"]}'))
        rows.append(('', f'{"p50":>8}{"p95":>8}'))
        latencies = f'{figures["latency_p50_ms"]:8.0f}{figures["latency_p95_ms"]:8.0f}'
        rows.append(('latency [ms]', latencies))
        rows.append(('rate [poses/s]', f'{outcome.rate_hz:.1f}'))
        rows.append(('longest gap [s]', f'{outcome.longest_gap_s:.2f}'))
    return '\n'.join(f'  {label:<28}{value}' for label, value in rows)
