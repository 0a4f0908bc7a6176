"""The node's state on /diagnostics, and its errors in the log, each cause once."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from mesh_reloc_ros.ros._resources import resources
from mesh_reloc_ros.ros.publishing import publish
from mesh_reloc_ros.types.estimate import PoseEstimate, State

_FORGET_S = 30.0
"""A message that did not recur for this time is logged again."""
_WINDOW = 100
"""Number of images over which latency percentiles are taken."""

_SILENT = ('image', 'camera_info', 'stamps')
_STATUS_OF = {
    'image': 'images',
    'camera_info': 'images',
    'stamps': 'images',
    'publishers': 'images',
    'processor time': 'images',
    'clock': 'images',
    'odometry': 'TF',
    'TF': 'TF',
    'base': 'TF',
    'saved pose': 'process',
}
"""Problems, and the status that shows them. Those of `_SILENT` prevent poses."""

_CHANGING = re.compile(r'\d+ %|level \d')

Values = dict[str, str]


@dataclass
class _Tracking:
    """What was made of the images since the last transition."""

    level: bytes = DiagnosticStatus.WARN
    message: str = 'waiting for the first image'
    estimate: PoseEstimate | None = None
    tracked: int = 0
    published: int = 0
    refused: int = 0
    trusted_at: float | None = None
    """When the last pose was trusted, by the monotonic clock."""
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_WINDOW))


class Diagnostics:
    """Collects the node's state and publishes it. Safe to call from any thread.

    It publishes one status each for tracking, images, TF and the process. That of tracking, for
    programs, is latched on `~/status`, too, and published there as soon as it changes.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._status_publisher = node.create_publisher(DiagnosticStatus, '~/status', latched)
        self._lock = threading.Lock()
        self._tracking = _Tracking()
        self._problems: dict[str, str] = {}
        self._state = 'unconfigured', ''
        self._logged: dict[str, float] = {}
        self._last_publication = (time.monotonic(), 0)

    def state(self, state: str, failure: str = '') -> None:
        """Record the state of the managed node, and why the last transition failed."""
        with self._lock:
            self._state = state, failure
            self._tracking = _Tracking()
            self._problems = {}
            self._last_publication = (time.monotonic(), 0)
        self._publish_status()

    def loading(self, step: str) -> None:
        """Record what the transition that loads the mesh is at, in a few words."""
        with self._lock:
            self._state = 'configuring', ''
            self._tracking.message = step

    def tracked(self, estimate: PoseEstimate, latency_ms: float) -> None:
        """Record what the tracker made of an image."""
        with self._lock:
            tracking, before = self._tracking, self._tracking.estimate
            tracking.tracked += 1
            tracking.published += estimate.trusted
            tracking.estimate = estimate
            if estimate.trusted:
                tracking.trusted_at = time.monotonic()
            tracking.latencies_ms.append(latency_ms)
            tracking.level, tracking.message = _verdict(estimate)
        if before is None or _kind(before) != _kind(estimate):
            self._publish_status()

    def waiting(self, reason: str) -> None:
        """Record that an image could not be tracked because something is missing; one line."""
        with self._lock:
            self._tracking.level, self._tracking.message = DiagnosticStatus.WARN, reason
        if self._is_new(reason):
            self._node.get_logger().info(reason)

    def error(self, reason: str, always_log: bool = False) -> None:
        """Record that an input cannot be used; one line."""
        with self._lock:
            self._tracking.refused += 1
            self._tracking.level, self._tracking.message = DiagnosticStatus.ERROR, reason
        if self._is_new(reason) or always_log:
            self._node.get_logger().error(reason)

    def problem(self, what: str, reason: str) -> None:
        """Record a problem that does not stop the node; '' when it is over.

        Reasons that differ in a share or a level only are the same to the log.

        :param what: a key of `_STATUS_OF`.
        """
        with self._lock:
            before, self._problems[what] = self._problems.get(what, ''), reason
        if reason and self._is_new(_CHANGING.sub('', reason)):
            self._node.get_logger().warning(reason)
        elif before and not reason and what in _SILENT:
            self.note(f'{what} arrives')

    def note(self, event: str) -> None:
        """Log an event, unless it was logged of late."""
        if self._is_new(event):
            self._node.get_logger().info(event)

    def publish(self, counts: Mapping[str, int], facts: Values) -> None:
        """Publish the present state.

        :param counts: numbers of messages received, dropped and published so far, by name.
        :param facts: mesh, device and so on, shown with the process.
        """
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.status = self._statuses(counts, facts)
        publish(self._node, self._publisher.publish, message)
        self._publish_status()

    def _publish_status(self) -> None:
        """Publish what programs need to know."""
        with self._lock:
            problems = {what: reason for what, reason in self._problems.items() if reason}
            verdict = self._verdict_of_all(*self._state, problems)
            values = _state_of(self._tracking) if self._state[0] == 'active' else {}
            values = {'node': self._state[0], **values}
        status = self._status('tracking', *verdict, values)
        publish(self._node, self._status_publisher.publish, status)

    def _statuses(self, counts: Mapping[str, int], facts: Values) -> list[DiagnosticStatus]:
        with self._lock:
            problems = {what: reason for what, reason in self._problems.items() if reason}
            state, failure = self._state
            tracking = self._verdict_of_all(state, failure, problems)
            numbers = self._numbers()
        texts = {name: str(count) for name, count in counts.items()}
        return [
            self._status('tracking', *tracking, {**numbers, 'node': state}),
            self._status('images', *_level('images', problems), texts),
            self._status('TF', *_level('TF', problems), {}),
            self._status('process', *_level('process', problems), {**facts, **resources()}),
        ]

    def _verdict_of_all(
        self, state: str, failure: str, problems: dict[str, str]
    ) -> tuple[bytes, str]:
        """Return level and message of the first status, which says whether there are poses."""
        if failure:
            return DiagnosticStatus.ERROR, failure
        if state == 'configuring':
            return DiagnosticStatus.OK, f'{state}: {self._tracking.message}'
        if state != 'active':
            return DiagnosticStatus.OK, state
        silence = '; '.join(problems[what] for what in _SILENT if what in problems)
        if silence:
            return DiagnosticStatus.WARN, silence
        level, message = self._tracking.level, self._tracking.message
        if level != DiagnosticStatus.OK and 'processor time' in problems:
            # Images far apart are a cause of lost tracking.
            message = f'{message}; {problems["processor time"]}'
        return level, message

    def _status(self, part: str, level: bytes, message: str, values: Values) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=level,
            name=f'{self._node.get_fully_qualified_name().lstrip("/")}: {part}',
            # What diagnostic_aggregator sorts by.
            hardware_id=self._node.get_fully_qualified_name().lstrip('/'),
            message=message,
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )

    def _numbers(self) -> Values:
        tracking, (before, published) = self._tracking, self._last_publication
        now = time.monotonic()
        self._last_publication = (now, tracking.published)
        rate = (tracking.published - published) / max(now - before, 1e-3)
        numbers = {
            'pose rate [Hz]': f'{rate:.1f}',
            'images tracked': str(tracking.tracked),
            'inputs refused': str(tracking.refused),
            'poses published': str(tracking.published),
        }
        if tracking.latencies_ms:
            p50, p95 = np.percentile(tracking.latencies_ms, (50, 95))
            numbers |= {'latency p50 [ms]': f'{p50:.0f}', 'latency p95 [ms]': f'{p95:.0f}'}
        if tracking.estimate is not None:
            numbers |= _numbers_of(tracking.estimate)
        return numbers

    def _is_new(self, reason: str) -> bool:
        """Return whether the message was not logged of late, so that it is logged once."""
        now = time.monotonic()
        with self._lock:
            last = self._logged.get(reason, -_FORGET_S)
            self._logged = {key: at for key, at in self._logged.items() if now - at < _FORGET_S}
            self._logged[reason] = now
        return now - last >= _FORGET_S


def _level(status: str, problems: dict[str, str]) -> tuple[bytes, str]:
    """Return level and message of a status from the problems that it shows."""
    shown = [reason for what, reason in problems.items() if _STATUS_OF[what] == status]
    if shown:
        return DiagnosticStatus.WARN, '; '.join(shown)
    return DiagnosticStatus.OK, ''


def _verdict(estimate: PoseEstimate) -> tuple[bytes, str]:
    state = estimate.state.value
    if estimate.trusted:
        return DiagnosticStatus.OK, state
    level = DiagnosticStatus.ERROR if estimate.state is State.LOST else DiagnosticStatus.WARN
    return level, f'{state}: {estimate.reason}'


def _kind(estimate: PoseEstimate) -> tuple[object, ...]:
    """Return what programs are told as soon as it changes."""
    return estimate.state, estimate.rejection, estimate.places_alike


def _state_of(tracking: _Tracking) -> Values:
    """Return state and rejection by the names of their enums, and how old the last pose is."""
    estimate, trusted_at = tracking.estimate, tracking.trusted_at
    age = '' if trusted_at is None else f'{time.monotonic() - trusted_at:.1f}'
    if estimate is None:
        return {'state': State.INITIALIZING.name, 'rejection': '', 'last trusted pose [s]': age}
    return {
        'state': estimate.state.name,
        'rejection': '' if estimate.rejection is None else estimate.rejection.name,
        'places alike': str(estimate.places_alike),
        'score': f'{estimate.score:.3f}',
        'last trusted pose [s]': age,
    }


def _numbers_of(estimate: PoseEstimate) -> Values:
    deviations = np.sqrt(np.diag(estimate.covariance).clip(min=0.0))
    names = ('x [m]', 'y [m]', 'z [m]', 'rx [rad]', 'ry [rad]', 'rz [rad]')
    sigmas = {f'sigma {name}': f'{s:.5f}' for name, s in zip(names, deviations, strict=True)}
    return {
        'state': estimate.state.value,
        'score': f'{estimate.score:.3f}',
        'inlier ratio': f'{estimate.inlier_ratio:.3f}',
        'coverage': f'{estimate.coverage:.3f}',
        'iterations': str(estimate.iterations),
        **sigmas,
        **{f'{stage} [ms]': f'{ms:.1f}' for stage, ms in estimate.stages_ms.items()},
    }
