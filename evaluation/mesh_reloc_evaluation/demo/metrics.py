"""Metrics of a replay, and checks that it must pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.demo.messages import Replay
from mesh_reloc_evaluation.trajectory_errors import pose_errors, summarize_errors
from mesh_reloc_ros.types.trajectory import Trajectory

MAX_MEDIAN_CM = 2.0
MAX_MEDIAN_DEG = 0.5
MIN_RATE_HZ = 5.0
MAX_GAP_S = 1.0


@dataclass(frozen=True)
class ReplayResult:
    """A replay, compared with the truth."""

    images: int
    estimate: Trajectory
    """The M poses that were published."""
    metres: NDArray[np.float64]
    """Position errors [M]."""
    degrees: NDArray[np.float64]
    """Rotation errors [M]."""
    latencies_ms: NDArray[np.float64]
    """[M], from publishing an image to receiving its pose."""
    seconds: float
    """From the first image to the last."""
    longest_gap_s: float
    """Longest time without a pose."""

    @property
    def rate_hz(self) -> float:
        """Poses per second of the recording."""
        return len(self.estimate) / self.seconds if self.seconds else 0.0

    def metrics(self) -> dict[str, Any]:
        """Return all metrics as plain numbers."""
        metrics: dict[str, Any] = {
            'images': self.images,
            **summarize_errors(self.metres, self.degrees),
            'rate_hz': self.rate_hz,
            'longest_gap_s': self.longest_gap_s,
        }
        if len(self.latencies_ms):
            metrics['latency_p50_ms'] = float(np.percentile(self.latencies_ms, 50))
            metrics['latency_p95_ms'] = float(np.percentile(self.latencies_ms, 95))
        return metrics

    def failures(self) -> list[str]:
        """Return the checks that failed, one line each."""
        if not len(self.estimate):
            return ['the node published no pose']
        metrics = self.metrics()
        checks = (
            (
                metrics['wrong'] > 0,
                f'{metrics["wrong"]} poses are off by more than 10 cm or 5 deg',
            ),
            (
                metrics['median_cm'] > MAX_MEDIAN_CM,
                f'median {metrics["median_cm"]:.2f} cm is above {MAX_MEDIAN_CM} cm',
            ),
            (
                metrics['median_deg'] > MAX_MEDIAN_DEG,
                f'median {metrics["median_deg"]:.2f} deg is above {MAX_MEDIAN_DEG} deg',
            ),
            (
                self.rate_hz < MIN_RATE_HZ,
                f'{self.rate_hz:.1f} poses a second are fewer than {MIN_RATE_HZ:g}',
            ),
            (
                self.longest_gap_s > MAX_GAP_S,
                f'no pose for {self.longest_gap_s:.1f} s',
            ),
        )
        return [text for failed, text in checks if failed]


def evaluate_replay(replay: Replay, truth: Trajectory) -> ReplayResult:
    """Compare the published poses with the true ones.

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
    return ReplayResult(
        images=len(replay.sent),
        estimate=estimate,
        metres=metres,
        degrees=degrees,
        latencies_ms=np.array(latencies),
        seconds=(last - first) / 1e9,
        longest_gap_s=float(np.diff(stamps).max()) / 1e9,
    )


def replay_table(result: ReplayResult) -> str:
    """Return the metrics as a table to print."""
    metrics = result.metrics()
    share = 100 * len(result.estimate) / max(result.images, 1)
    rows = [
        ('images sent', f'{result.images}'),
        ('poses published', f'{len(result.estimate)}  ({share:.0f} %)'),
    ]
    if len(result.estimate):
        rows.append(('', f'{"median":>8}{"p90":>8}{"max":>8}'))
        for label, unit in (('position error [cm]', 'cm'), ('rotation error [deg]', 'deg')):
            values = (metrics[f'{name}_{unit}'] for name in ('median', 'p90', 'max'))
            rows.append((label, ''.join(f'{value:8.2f}' for value in values)))
        rows.append(('wrong (> 10 cm or > 5 deg)', f'{metrics["wrong"]}'))
        rows.append(('', f'{"p50":>8}{"p95":>8}'))
        latencies = f'{metrics["latency_p50_ms"]:8.0f}{metrics["latency_p95_ms"]:8.0f}'
        rows.append(('latency [ms]', latencies))
        rows.append(('rate [poses/s]', f'{result.rate_hz:.1f}'))
        rows.append(('longest gap [s]', f'{result.longest_gap_s:.2f}'))
    return '\n'.join(f'  {label:<28}{value}' for label, value in rows)
