"""From images to poses: predict, align, judge, update."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.alignment.adam_aligner import AdamAligner
from mesh_reloc_ros.alignment.alignment import Aligner, Alignment
from mesh_reloc_ros.alignment.lm_aligner import LmAligner
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.geometry.camera import Camera
from mesh_reloc_ros.scene.scene import Scene
from mesh_reloc_ros.stopwatch import Stopwatch
from mesh_reloc_ros.tracking.frame import Frame, PoseEstimate, State
from mesh_reloc_ros.tracking.health import Health
from mesh_reloc_ros.tracking.motion_filter import MotionFilter
from mesh_reloc_ros.tracking.settings import Settings

# Smaller images have too few pixels to be aligned.
_MIN_WIDTH, _MIN_HEIGHT = 40, 30
# A thorough alignment that agrees better by less than this factor was not worth its time.
_WORTHWHILE = 1.05
# Images until the next thorough alignment after one that was not; twice as many after each further
# one in a row.
_RETRY_PERIOD = 5
# The next image is expected after the interval between the last two, but not later than this.
_LONGEST_LOOK_S = 0.2


class Tracker:
    """Follows a camera through a scene, image by image, from a start pose."""

    def __init__(self, scene: Scene, settings: Settings) -> None:
        self.state = State.INITIALIZING
        self._settings = settings
        self._aligner: Aligner = (
            AdamAligner(scene, settings.alignment, settings.adam)
            if settings.solver == 'adam'
            else LmAligner(scene, settings.alignment)
        )
        self._start: NDArray[np.float64] | None = None
        self._until_retry = 0
        self._retry_period = _RETRY_PERIOD
        self._expected: tuple[Camera, NDArray[np.float64]] | None = None
        self._restart()

    def start_at(self, map_T_camera: NDArray[np.float64]) -> None:
        """Forget the past and look for the camera at a pose [4, 4], metres.

        :raises InputError: the pose is not a finite 4x4 matrix.
        """
        if map_T_camera.shape != (4, 4) or not np.isfinite(map_T_camera).all():
            raise InputError('start pose: not a finite 4x4 matrix')
        self._start = np.asarray(map_T_camera, dtype=np.float64).copy()
        self._restart()

    def track(self, frame: Frame) -> PoseEstimate:
        """Estimate the pose of an image; stamps may come at any interval.

        :raises InputError: no start pose has been given, or the image is too small.
        """
        if self._start is None:
            raise InputError('no start pose: give one before the first image')
        width, height = frame.camera.width, frame.camera.height
        if width < _MIN_WIDTH or height < _MIN_HEIGHT:
            raise InputError(
                f'image of {width}x{height} is too small: at least {_MIN_WIDTH}x{_MIN_HEIGHT}'
            )
        stopwatch = Stopwatch()
        motion = self._predicted(frame.stamp_ns, self._start)
        last_ns = self._trusted_ns
        alignment = self._aligned(frame, motion, stopwatch)
        pose, covariance = alignment.map_T_camera[0].numpy(), alignment.covariance[0].numpy()
        finite = bool(np.isfinite(pose).all() and np.isfinite(covariance).all())
        reason = (
            self._health.doubts(alignment, motion.innovation_distance(pose, covariance))
            if finite
            else 'the image shows too little of the mesh to be aligned'
        )
        self._expected = None
        if reason:
            self._distrust()
        else:
            self._trust(motion, alignment)
            interval_s = min((frame.stamp_ns - last_ns) * 1e-9, _LONGEST_LOOK_S)
            self._expected = frame.camera, motion.extrapolated(interval_s)
        if not finite:
            pose, covariance = motion.map_T_camera, motion.covariance
        return PoseEstimate(
            stamp_ns=frame.stamp_ns,
            state=self.state,
            trusted=not reason,
            reason=reason,
            map_T_camera=pose,
            covariance=about_map_axes(covariance, pose),
            score=_number(alignment.score),
            inlier_ratio=_number(alignment.inlier_ratio),
            coverage=_number(alignment.coverage),
            iterations=alignment.iterations,
            stages_ms=stopwatch.milliseconds(),
        )

    def look_ahead(self) -> None:
        """Render for the next image, in the time until it comes.

        It may run on a thread of its own, beside `track`.
        """
        expected = self._expected
        if expected is not None:
            camera, map_T_camera = expected
            self._aligner.look_ahead(camera, torch.from_numpy(map_T_camera)[None])

    def _aligned(self, frame: Frame, motion: MotionFilter, stopwatch: Stopwatch) -> Alignment:
        """Align from the prediction: quickly while all goes well, else with all that there is."""
        predicted = torch.from_numpy(motion.map_T_camera)[None]

        def align(wide: bool) -> Alignment:
            return self._aligner.align(
                frame.image,
                frame.camera,
                predicted,
                self._exposure,
                wide=wide,
                stopwatch=stopwatch,
            )

        if self.state is not State.TRACKING:
            return align(wide=True)
        quick = align(wide=False)
        self._until_retry = max(self._until_retry - 1, 0)
        may_retry = self._aligner.knows_wide and not self._until_retry
        if not self._health.is_poor(quick):
            self._retry_period = _RETRY_PERIOD
            return quick
        if not may_retry:
            return quick
        thorough = align(wide=True)
        if _agreement(thorough) > _WORTHWHILE * _agreement(quick):
            return thorough
        # The image itself is poor, as when somebody walks by: that is no use trying every time.
        self._until_retry = self._retry_period
        self._retry_period *= 2
        return quick

    def _restart(self) -> None:
        self.state = State.INITIALIZING
        self._motion: MotionFilter | None = None
        self._health = Health(self._settings.tracking)
        self._exposure: Tensor | None = None
        self._distrusted = 0
        self._trusted_ns = 0
        self._until_retry = 0
        self._retry_period = _RETRY_PERIOD
        self._expected = None

    def _predicted(self, stamp_ns: int, start: NDArray[np.float64]) -> MotionFilter:
        """Return the motion filter, predicted to a stamp."""
        settings = self._settings.tracking
        noise = (settings.linear_acceleration_noise, settings.angular_acceleration_noise)
        if self._motion is None:
            self._motion = MotionFilter(start, stamp_ns, *noise)
            self._trusted_ns = stamp_ns
        if stamp_ns < self._motion.stamp_ns:
            # Time has gone back (a bag loops): what is left of the past is a place to look at.
            self._motion = MotionFilter(self._motion.map_T_camera, stamp_ns, *noise)
            self._trusted_ns = stamp_ns
        if (stamp_ns - self._trusted_ns) * 1e-9 > settings.max_prediction_interval:
            self._motion.rest()
        self._motion.predict(stamp_ns)
        return self._motion

    def _trust(self, motion: MotionFilter, alignment: Alignment) -> None:
        motion.update(alignment.map_T_camera[0].numpy(), alignment.covariance[0].numpy())
        self._health.learn(alignment)
        self._exposure = alignment.exposure
        self._distrusted = 0
        self._trusted_ns = motion.stamp_ns
        self.state = State.TRACKING

    def _distrust(self) -> None:
        self._distrusted += 1
        if self._distrusted >= self._settings.tracking.lost_after:
            self.state = State.LOST
            self._exposure = None


def about_map_axes(
    covariance: NDArray[np.float64], map_T_camera: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Turn the covariance [6, 6] of x in `map_T_camera exp(x)` to the map's axes, the ROS order."""
    rotation = np.zeros((6, 6))
    rotation[:3, :3] = rotation[3:, 3:] = map_T_camera[:3, :3]
    return rotation @ covariance @ rotation.T


def _agreement(alignment: Alignment) -> float:
    return _number(alignment.score) * _number(alignment.inlier_ratio)


def _number(values: Tensor) -> float:
    return float(values[0].nan_to_num(0.0))
