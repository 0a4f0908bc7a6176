"""Kalman filter with constant velocity on SE(3), as an error-state filter on filterpy."""

from __future__ import annotations

import numpy as np
import torch
from filterpy.common import Q_continuous_white_noise
from filterpy.kalman import KalmanFilter
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.se3 import exp, log
from mesh_reloc_ros.track.odometry_anchor import OdometryAnchor, is_pose
from mesh_reloc_ros.types import se3

Array = NDArray[np.float64]

# What is known of a start pose and of the first motion, 1 sigma.
_START_SIGMA = np.array([0.3, 0.3, 0.3, 0.15, 0.15, 0.15])
_VELOCITY_SIGMA = np.array([1.0, 1.0, 1.0, 1.5, 1.5, 1.5])
# How long a hand keeps up an acceleration: with its size this makes the density of white noise.
# Noise that is constant over an interval would make the filter take every step for a velocity.
_ACCELERATION_LASTS_S = 0.1


class MotionFilter:
    """Predicts the camera's pose at any stamp and takes aligned poses with their covariance.

    The mean is a pose and a body velocity (twist per second, camera frame). The filter's state is
    the error of both, 12 numbers, which every update moves into the mean: true pose =
    `map_T_camera exp(error)`. Process noise is a white acceleration. See J. Sola, "Quaternion
    kinematics for the error-state Kalman filter", 2017.

    Where odometry is known at both ends of a prediction it moves the mean, and sets the velocity.
    The covariance grows as without it: wheels slip.
    """

    def __init__(
        self,
        map_T_camera: Array,
        stamp_ns: int,
        linear_acceleration_noise: float,
        angular_acceleration_noise: float,
        odom_T_camera: Array | None = None,
        covariance: Array | None = None,
    ) -> None:
        """Start at a pose [4, 4] and at rest; accelerations are 1 sigma, m/s^2 and rad/s^2.

        :param odom_T_camera: [4, 4], the camera by odometry at the stamp.
        :param covariance: [6, 6], of the twist x in `map_T_camera exp(x)`; None: that of a guess.
        """
        self.map_T_camera = map_T_camera.copy()
        self.velocity: Array = np.zeros(6)
        self.stamp_ns = stamp_ns
        self.set_noise(linear_acceleration_noise, angular_acceleration_noise)
        self._filter = KalmanFilter(dim_x=12, dim_z=6)
        self._filter.H = np.eye(6, 12)
        self._filter.P = np.diag(np.concatenate((_START_SIGMA, _VELOCITY_SIGMA)) ** 2)
        if covariance is not None:
            self._filter.P[:6, :6] = covariance
        self._tie: OdometryAnchor | None = None
        self._tie_to(odom_T_camera)

    @property
    def covariance(self) -> Array:
        """[6, 6], of the twist x in `map_T_camera exp(x)`."""
        return np.asarray(self._filter.P[:6, :6])

    def set_noise(self, linear: float, angular: float) -> None:
        """Set the accelerations of the process noise, 1 sigma, m/s^2 and rad/s^2."""
        self._acceleration_density = np.repeat([linear, angular], 3) ** 2 * _ACCELERATION_LASTS_S

    def predict(self, stamp_ns: int, odom_T_camera: Array | None = None) -> None:
        """Move the pose to a stamp, which must not lie before the filter's own.

        :param odom_T_camera: [4, 4], the camera by odometry at the stamp. What is not believable
            is left out.
        """
        dt = (stamp_ns - self.stamp_ns) * 1e-9
        motion = exp(self.velocity * dt)
        by_odometry = self._tie and self._tie.motion_until(stamp_ns, odom_T_camera)
        if by_odometry:
            motion = np.linalg.inv(self.map_T_camera) @ by_odometry.map_T_camera
            self.velocity = by_odometry.velocity if dt else self.velocity
        self.map_T_camera = self.map_T_camera @ motion
        self.stamp_ns = stamp_ns
        self._tie_to(odom_T_camera)
        transition = np.eye(12)
        # The old error, seen from the moved camera.
        transition[:6, :6] = se3.adjoint(torch.from_numpy(np.linalg.inv(motion))).numpy()
        transition[:6, 6:] = dt * np.eye(6)
        noise = np.kron(Q_continuous_white_noise(2, dt), np.diag(self._acceleration_density))
        self._filter.F, self._filter.Q = transition, noise
        self._filter.predict()

    def pose_by_odometry(self, stamp_ns: int, odom_T_camera: Array | None) -> Array | None:
        """Return the pose [4, 4] at any stamp by odometry; None where that tells nothing."""
        motion = self._tie and self._tie.motion_until(stamp_ns, odom_T_camera)
        return motion.map_T_camera if motion else None

    def extrapolated(self, interval_s: float) -> Array:
        """Return the pose [4, 4] that the motion leads to in so many seconds."""
        return np.asarray(self.map_T_camera @ exp(self.velocity * interval_s))

    def innovation_distance(self, map_T_camera: Array, covariance: Array) -> float:
        """Return how many standard deviations a measured pose is from the prediction.

        Mahalanobis distance over the square root of its six dimensions: about 1 when all is well.
        """
        innovation = self._innovation(map_T_camera)
        spread = self.covariance + covariance
        return float(np.sqrt(innovation @ np.linalg.solve(spread, innovation) / 6))

    def update(self, map_T_camera: Array, covariance: Array) -> None:
        """Take a measured pose [4, 4] with the covariance [6, 6] of x in `map_T_camera exp(x)`."""
        self._filter.update(self._innovation(map_T_camera), R=covariance)
        error = self._filter.x.reshape(12)
        pose = torch.from_numpy(self.map_T_camera @ exp(error[:6]))
        self.map_T_camera = se3.normalized(pose).numpy()
        self.velocity = self.velocity + error[6:]
        self._filter.x = np.zeros((12, 1))
        # An older tie knows less than this pose.
        tie, self._tie = self._tie, None
        if tie is not None and tie.stamp_ns == self.stamp_ns:
            self._tie_to(tie.odom_T_camera)

    def rest(self) -> None:
        """Forget the velocity: the camera may by now do anything."""
        self.velocity = np.zeros(6)
        self._filter.P[6:, :] = 0
        self._filter.P[:, 6:] = 0
        self._filter.P[6:, 6:] = np.diag(_VELOCITY_SIGMA**2)

    def _tie_to(self, odom_T_camera: Array | None) -> None:
        """Note where odometry has the camera at the filter's own stamp, if it tells."""
        if odom_T_camera is not None and is_pose(odom_T_camera):
            self._tie = OdometryAnchor(self.stamp_ns, self.map_T_camera, odom_T_camera)

    def _innovation(self, map_T_camera: Array) -> Array:
        return np.asarray(log(np.linalg.inv(self.map_T_camera) @ map_T_camera))
