"""Kalman filter with constant velocity on SE(3), as an error-state filter on filterpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from filterpy.kalman import KalmanFilter

from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.kernels.se3 import adjoint, exp, log, normalized
from mesh_reloc_ros.types import Array

# Places of the errors of pose and velocity in the state.
_POSE, _VELOCITY = np.arange(6), np.arange(6, 12)
# Uncertainty of a start pose and of the first velocity, 1 sigma: m, rad, m/s, rad/s.
_START_SIGMA = np.array([0.3, 0.3, 0.3, 0.15, 0.15, 0.15])
_VELOCITY_SIGMA = np.array([1.0, 1.0, 1.0, 1.5, 1.5, 1.5])
# Correlation time of a hand's acceleration: its square times this is the density of white noise.
# With noise that is constant over an interval, the filter would take every step for a velocity.
_ACCELERATION_LASTS_S = 0.1
# Odometry that moves the camera faster than this, m/s and rad/s, was reset or is broken.
_FASTEST, _FASTEST_TURN = 30.0, 20.0
# Largest deviation of a rotation matrix from orthonormal, as after conversion to single precision.
_ROUNDING = 1e-3


class MotionFilter:
    """Predicts the camera's pose at any stamp, and is updated with aligned poses.

    The mean is a pose and a body velocity (twist per second, camera frame). The filter's state is
    the error of both, 12 numbers, which every update moves into the mean: true pose =
    `map_T_camera exp(error)`. Process noise is a white acceleration. See J. Sola, "Quaternion
    kinematics for the error-state Kalman filter", 2017.

    If odometry is known at both ends of a prediction, it moves the mean and sets the velocity. The
    covariance grows as without odometry, since wheels slip.
    """

    def __init__(
        self,
        map_T_camera: Array,
        stamp_ns: int,
        odom_T_camera: Array | None = None,
        covariance: Array | None = None,
    ) -> None:
        """Start at a pose [4, 4] and at rest.

        :param odom_T_camera: [4, 4], the camera's pose by odometry at the stamp.
        :param covariance: [6, 6], of the twist x in `map_T_camera exp(x)`; None: that of a guess.
        """
        self.map_T_camera = map_T_camera.copy()
        self.velocity: Array = np.zeros(6)
        self.stamp_ns = stamp_ns
        self._filter = KalmanFilter(dim_x=12, dim_z=6)
        self._filter.H = np.eye(6, 12)
        self._filter.P = np.diag(np.concatenate((_START_SIGMA, _VELOCITY_SIGMA)) ** 2)
        if covariance is not None:
            self._filter.P[:6, :6] = covariance
        self._anchor: _OdometryAnchor | None = None
        self._anchor_at(odom_T_camera)

    @property
    def covariance(self) -> Array:
        """[6, 6], of the twist x in `map_T_camera exp(x)`."""
        return np.asarray(self._filter.P[:6, :6])

    def predict(
        self, stamp_ns: int, settings: TrackingSettings, odom_T_camera: Array | None = None
    ) -> None:
        """Move the pose to a stamp, which must not lie before the filter's stamp.

        :param odom_T_camera: [4, 4], the camera's pose by odometry at the stamp. Implausible
            odometry is ignored.
        """
        dt = (stamp_ns - self.stamp_ns) * 1e-9
        motion = exp(self.velocity * dt)
        by_odometry = self._anchor and self._anchor.pose_at(stamp_ns, odom_T_camera)
        if by_odometry:
            pose, velocity = by_odometry
            motion = np.linalg.inv(self.map_T_camera) @ pose
            self.velocity = velocity if dt else self.velocity
        self.map_T_camera = self.map_T_camera @ motion
        self.stamp_ns = stamp_ns
        self._anchor_at(odom_T_camera)
        # The old error, seen from the moved camera.
        self._filter.F[:6, :6] = adjoint(np.linalg.inv(motion))
        self._filter.F[_POSE, _VELOCITY] = dt
        linear, angular = settings.linear_acceleration_noise, settings.angular_acceleration_noise
        density = _ACCELERATION_LASTS_S * np.array([*3 * (linear**2,), *3 * (angular**2,)])
        # As of filterpy's Q_continuous_white_noise, which takes longer than all else here.
        noise = self._filter.Q = np.zeros((12, 12))
        noise[_POSE, _POSE] = dt**3 / 3 * density
        noise[_POSE, _VELOCITY] = noise[_VELOCITY, _POSE] = dt**2 / 2 * density
        noise[_VELOCITY, _VELOCITY] = dt * density
        self._filter.predict()

    def pose_by_odometry(self, stamp_ns: int, odom_T_camera: Array | None) -> Array | None:
        """Return the pose [4, 4] at any stamp by odometry; None if that is unknown."""
        by_odometry = self._anchor and self._anchor.pose_at(stamp_ns, odom_T_camera)
        return by_odometry[0] if by_odometry else None

    def extrapolated(self, interval_s: float) -> Array:
        """Return the pose [4, 4] after an interval at constant velocity."""
        return np.asarray(self.map_T_camera @ exp(self.velocity * interval_s))

    def innovation_distance(self, map_T_camera: Array, covariance: Array) -> float:
        """Return the distance of a measured pose from the prediction in standard deviations.

        Mahalanobis distance over the square root of its six dimensions: about 1 on average.
        """
        innovation = self._innovation(map_T_camera)
        spread = self.covariance + covariance
        return float(np.sqrt(innovation @ np.linalg.solve(spread, innovation) / 6))

    def update(self, map_T_camera: Array, covariance: Array) -> None:
        """Take a measured pose [4, 4] with the covariance [6, 6] of x in `map_T_camera exp(x)`."""
        self._filter.update(self._innovation(map_T_camera), R=covariance)
        error = self._filter.x.reshape(12)
        self.map_T_camera = normalized((self.map_T_camera @ exp(error[:6]))[None])[0]
        self.velocity = self.velocity + error[6:]
        self._filter.x = np.zeros((12, 1))
        # The pose has changed, so an anchor at an earlier stamp no longer leads to it.
        anchor, self._anchor = self._anchor, None
        if anchor is not None and anchor.stamp_ns == self.stamp_ns:
            self._anchor_at(anchor.odom_T_camera)

    def rest(self) -> None:
        """Forget the velocity: after a long time the camera may move in any way."""
        self.velocity = np.zeros(6)
        self._filter.P[6:, :] = 0
        self._filter.P[:, 6:] = 0
        self._filter.P[6:, 6:] = np.diag(_VELOCITY_SIGMA**2)

    def _anchor_at(self, odom_T_camera: Array | None) -> None:
        """Note the pose by odometry at the filter's stamp, if it is known."""
        if odom_T_camera is not None and _is_pose(odom_T_camera):
            self._anchor = _OdometryAnchor(self.stamp_ns, self.map_T_camera, odom_T_camera)

    def _innovation(self, map_T_camera: Array) -> Array:
        return np.asarray(log(np.linalg.inv(self.map_T_camera) @ map_T_camera))


@dataclass(frozen=True)
class _OdometryAnchor:
    """The camera's pose in the map and by odometry, both at one stamp."""

    stamp_ns: int
    map_T_camera: Array
    """[4, 4], metres."""
    odom_T_camera: Array
    """[4, 4], metres."""

    def pose_at(self, stamp_ns: int, odom_T_camera: Array | None) -> tuple[Array, Array] | None:
        """Return map_T_camera [4, 4] at another stamp, later or earlier, and the velocity.

        The velocity is a twist [6] per second in the camera's frame.

        :param odom_T_camera: [4, 4], by odometry at that stamp; None if unknown.
        :returns: None if odometry is unknown or implausible.
        """
        if odom_T_camera is None or not _is_pose(odom_T_camera):
            return None
        moved = np.linalg.inv(self.odom_T_camera) @ odom_T_camera
        moved = normalized(moved[None])[0]
        twist, passed_s = log(moved), (stamp_ns - self.stamp_ns) * 1e-9
        # `not <=`, so that NaN is implausible.
        if not (
            np.linalg.norm(twist[:3]) <= _FASTEST * abs(passed_s)
            and np.linalg.norm(twist[3:]) <= _FASTEST_TURN * abs(passed_s)
        ):
            return None
        velocity = twist / passed_s if passed_s else np.zeros(6)
        return self.map_T_camera @ moved, velocity


def _is_pose(matrix: Array) -> bool:
    """Whether an array is a pose [4, 4]."""
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        return False
    rotation = matrix[:3, :3]
    return bool(
        np.allclose(rotation @ rotation.T, np.eye(3), rtol=0, atol=_ROUNDING)
        and np.linalg.det(rotation) > 0
        and np.allclose(matrix[3], (0, 0, 0, 1), rtol=0, atol=_ROUNDING)
    )
