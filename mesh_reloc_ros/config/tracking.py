"""Settings of the motion model and of pose validation."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.config.declaration import setting


@dataclass(frozen=True)
class TrackingSettings:
    """Motion model, thresholds of the pose checks, and state transitions."""

    linear_acceleration_noise: float = setting(
        4.0,
        'Standard deviation of the acceleration in the motion model. Raise it for abrupt motion.',
        unit='m/s^2',
        minimum=1e-3,
        maximum=1e3,
    )
    angular_acceleration_noise: float = setting(
        15.0,
        'Standard deviation of the angular acceleration in the motion model. Raise it for abrupt'
        ' rotation.',
        unit='rad/s^2',
        minimum=1e-3,
        maximum=1e3,
    )
    max_prediction_interval: float = setting(
        0.5,
        'Maximum time over which the motion is extrapolated. After that the camera is assumed to be'
        ' at rest.',
        unit='s',
        minimum=0.0,
        maximum=10.0,
    )
    min_coverage: float = setting(
        0.02,
        'Minimum fraction of the image that the mesh covers, or of the part around it if the mesh'
        ' is small in view.',
        minimum=0.0,
        maximum=1.0,
    )
    min_visible: float = setting(
        0.18,
        'Minimum fraction of the mesh in view that is not covered by something in the way.',
        minimum=0.0,
        maximum=1.0,
    )
    min_inlier_ratio: float = setting(
        0.4,
        'Minimum fraction of inliers among the aligned points, to continue tracking.',
        minimum=0.0,
        maximum=1.0,
    )
    acquisition_min_inlier_ratio: float = setting(
        0.5,
        'Minimum inlier ratio to start or resume tracking.',
        minimum=0.0,
        maximum=1.0,
        deprecated_names=('min_inlier_ratio_to_enter',),
    )
    min_inlier_ratio_of_baseline: float = setting(
        0.5,
        'Minimum inlier ratio relative to its running mean over trusted poses.',
        minimum=0.0,
        maximum=1.0,
    )
    min_score: float = setting(
        0.65,
        'Minimum score, the correlation of image and render, to continue tracking. Raise it to'
        ' reject more poses; lower it if the mesh is blurred or outdated.',
        minimum=0.0,
        maximum=1.0,
    )
    acquisition_min_score: float = setting(
        0.75,
        'Minimum score to start or resume tracking.',
        minimum=0.0,
        maximum=1.0,
        deprecated_names=('min_score_to_enter',),
    )
    min_score_of_baseline: float = setting(
        0.7,
        'Minimum score relative to its running mean over trusted poses.',
        minimum=0.0,
        maximum=1.0,
    )
    max_position_sigma: float = setting(
        0.04,
        'Maximum standard deviation of the position in its least certain direction.'
        ' Beyond 4 m from the mesh it grows with the distance. Poses that score less than'
        ' acquisition_min_score must be within 0.75 of it.',
        unit='m',
        minimum=1e-4,
        maximum=1e3,
    )
    max_rotation_sigma: float = setting(
        0.05,
        'Maximum standard deviation of the rotation about its least certain axis.',
        unit='rad',
        minimum=1e-5,
        maximum=3.0,
    )
    innovation_gate: float = setting(
        3.5,
        'Maximum difference between aligned and predicted pose, in standard deviations.',
        minimum=1.0,
        maximum=100.0,
    )
    max_realignment_distance: float = setting(
        0.05,
        'Maximum distance between a pose and the result of a second alignment from another start,'
        ' or the pose that the optical flow leads to. Beyond 10 m from the mesh it grows with the'
        ' distance.',
        unit='m',
        minimum=1e-4,
        maximum=1e3,
        deprecated_names=('second_look_position',),
    )
    max_realignment_angle: float = setting(
        0.015,
        'Maximum angle between a pose and the result of a second alignment from another start, or'
        ' three standard deviations if that is more.',
        unit='rad',
        minimum=1e-5,
        maximum=3.0,
        deprecated_names=('second_look_rotation',),
    )
    max_focal_error: float = setting(
        0.02,
        'Maximum relative error of the focal length in camera_info, estimated from the images.',
        minimum=0.0,
        maximum=1.0,
    )
    max_principal_point_error: float = setting(
        0.03,
        'Maximum error of the principal point in camera_info, estimated from the images, relative'
        ' to the focal length.',
        minimum=0.0,
        maximum=1.0,
    )
    frozen_image_timeout: float = setting(
        0.2,
        'Time after which an image that repeats bit by bit is rejected as frozen, if the camera was'
        ' moving before. Raise it for a simulation without image noise, where the camera may stop.',
        unit='s',
        minimum=0.0,
        maximum=1e6,
        deprecated_names=('max_repetition',),
    )
    lost_after: int = setting(
        5,
        'Number of consecutive rejected images after which the state is LOST.',
        unit='images',
        minimum=1,
        maximum=1000,
    )
    lost_after_interval: float = setting(
        0.5,
        'Time without a trusted pose after which the next rejected image makes the state LOST.',
        unit='s',
        minimum=0.0,
        maximum=60.0,
    )
    restart_after: float = setting(
        5.0,
        'Time between two images after which tracking restarts, as when a recording is skipped'
        ' forward. The last pose is then only a hint for the search.',
        unit='s',
        minimum=0.1,
        maximum=3600.0,
    )
    search_period: float = setting(
        0.3,
        'Minimum time between two images that are searched for in the whole mesh.',
        unit='s',
        minimum=0.0,
        maximum=60.0,
    )
