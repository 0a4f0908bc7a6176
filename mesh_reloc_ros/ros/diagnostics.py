"""The node's state on /diagnostics, and its errors in the log, each cause once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from mesh_reloc_ros.ros.watchdog import Watchdog
from mesh_reloc_ros.tracking.frame import PoseEstimate, State

_FORGET_S = 30.0
"""A cause that was away for so long is logged again when it comes back."""
_WINDOW = 100
"""Number of images over which latency is summed up."""


@dataclass
class _Health:
    """What the newest image led to."""

    level: bytes = DiagnosticStatus.WARN
    message: str = 'waiting for the first image'
    estimate: PoseEstimate | None = None
    tracked: int = 0
    published: int = 0
    refused: int = 0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_WINDOW))


class Diagnostics:
    """Gathers what happens to the images and publishes it. Safe to call from any thread."""

    def __init__(
        self,
        node: Node,
        watchdogs: Sequence[Watchdog],
        facts: dict[str, str],
        counts: Callable[[], dict[str, int]],
    ) -> None:
        """Create the publisher.

        :param facts: shown with every message: device, solver and so on.
        :param counts: numbers of images received and dropped, and of overlays, so far.
        """
        self._node = node
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._watchdogs = watchdogs
        self._facts = facts
        self._counts = counts
        self._lock = threading.Lock()
        self._health = _Health()
        self._seen: dict[str, float] = {}
        self._last_publication = (time.monotonic(), 0)

    def tracked(self, estimate: PoseEstimate, latency_ms: float) -> None:
        """Record what the tracker made of an image."""
        with self._lock:
            health = self._health
            health.tracked += 1
            health.published += estimate.trusted
            health.estimate = estimate
            health.latencies_ms.append(latency_ms)
            health.level, health.message = _verdict(estimate)

    def waiting(self, reason: str) -> None:
        """Record that an image could not be tracked for want of something; one line."""
        with self._lock:
            self._health.level, self._health.message = DiagnosticStatus.WARN, reason
        if self._is_new(reason):
            self._node.get_logger().info(reason)

    def error(self, reason: str, always_log: bool = False) -> None:
        """Record that something the node was given cannot be used; one line."""
        with self._lock:
            self._health.refused += 1
            self._health.level, self._health.message = DiagnosticStatus.ERROR, reason
        if self._is_new(reason) or always_log:
            self._node.get_logger().error(reason)

    def publish(self) -> None:
        """Publish the state as it is now."""
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.status = [self._status()]
        self._publisher.publish(message)

    def _status(self) -> DiagnosticStatus:
        with self._lock:
            level, text = self._health.level, self._health.message
            values = {**self._facts, **self._numbers()}
        silence = '; '.join(w.warning for w in self._watchdogs if w.warning)
        if silence:
            level, text = DiagnosticStatus.WARN, silence
        return DiagnosticStatus(
            level=level,
            name=f'{self._node.get_fully_qualified_name().lstrip("/")}: tracking',
            message=text,
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )

    def _numbers(self) -> dict[str, str]:
        health, (before, published) = self._health, self._last_publication
        now = time.monotonic()
        self._last_publication = (now, health.published)
        rate = (health.published - published) / max(now - before, 1e-3)
        numbers = {
            'pose rate [Hz]': f'{rate:.1f}',
            **{key: str(value) for key, value in self._counts().items()},
            'images tracked': str(health.tracked),
            'inputs refused': str(health.refused),
            'poses published': str(health.published),
        }
        if health.latencies_ms:
            p50, p95 = np.percentile(health.latencies_ms, (50, 95))
            numbers |= {'latency p50 [ms]': f'{p50:.0f}', 'latency p95 [ms]': f'{p95:.0f}'}
        if health.estimate is not None:
            numbers |= _numbers_of(health.estimate)
        return numbers

    def _is_new(self, reason: str) -> bool:
        """Return whether the reason was not there in the last while, so that it is logged once."""
        now = time.monotonic()
        with self._lock:
            last = self._seen.get(reason, -_FORGET_S)
            self._seen = {key: at for key, at in self._seen.items() if now - at < _FORGET_S}
            self._seen[reason] = now
        return now - last >= _FORGET_S


def _verdict(estimate: PoseEstimate) -> tuple[bytes, str]:
    state = estimate.state.value
    if estimate.trusted:
        return DiagnosticStatus.OK, state
    level = DiagnosticStatus.ERROR if estimate.state is State.LOST else DiagnosticStatus.WARN
    return level, f'{state}: {estimate.reason}'


def _numbers_of(estimate: PoseEstimate) -> dict[str, str]:
    deviations = np.sqrt(np.diag(estimate.covariance).clip(min=0.0))
    return {
        'state': estimate.state.value,
        'score': f'{estimate.score:.3f}',
        'inlier ratio': f'{estimate.inlier_ratio:.3f}',
        'coverage': f'{estimate.coverage:.3f}',
        'iterations': str(estimate.iterations),
        'position deviation [m]': f'{np.linalg.norm(deviations[:3]):.4f}',
        'rotation deviation [rad]': f'{np.linalg.norm(deviations[3:]):.5f}',
        **{f'{stage} [ms]': f'{ms:.1f}' for stage, ms in estimate.stages_ms.items()},
    }
