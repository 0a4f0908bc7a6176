"""Settings of the motion model and of trust."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.config.declaration import setting


@dataclass(frozen=True)
class TrackingSettings:
    """Motion model and judgement of trust."""

    linear_acceleration_noise: float = setting(
        4.0,
        'Acceleration that a hand or robot gives the camera, 1 sigma.',
        unit='m/s^2',
        minimum=1e-3,
        maximum=1e3,
    )
    angular_acceleration_noise: float = setting(
        15.0,
        'Angular acceleration that a hand or robot gives the camera, 1 sigma.',
        unit='rad/s^2',
        minimum=1e-3,
        maximum=1e3,
    )
    max_prediction_interval: float = setting(
        0.5,
        'Longest time that the motion is extrapolated; beyond it the camera is taken to rest.',
        unit='s',
        minimum=0.0,
        maximum=10.0,
    )
    min_coverage: float = setting(
        0.1,
        'Smallest share of the image that the mesh must cover.',
        minimum=0.0,
        maximum=1.0,
    )
    min_inlier_ratio: float = setting(
        0.4,
        'Smallest share of aligned pixels that must agree with the mesh.',
        minimum=0.0,
        maximum=1.0,
    )
    acquisition_min_inlier_ratio: float = setting(
        0.5,
        'The same for trust to begin, or to come back.',
        minimum=0.0,
        maximum=1.0,
        deprecated_names=('min_inlier_ratio_to_enter',),
    )
    min_inlier_ratio_of_baseline: float = setting(
        0.5,
        'Smallest such share relative to the running baseline of trusted poses.',
        minimum=0.0,
        maximum=1.0,
    )
    min_score: float = setting(
        0.65,
        'Smallest correlation of image and render for a pose to be trusted.',
        minimum=0.0,
        maximum=1.0,
    )
    acquisition_min_score: float = setting(
        0.75,
        'The same for trust to begin, or to come back.',
        minimum=0.0,
        maximum=1.0,
        deprecated_names=('min_score_to_enter',),
    )
    min_score_of_baseline: float = setting(
        0.7,
        'Smallest score relative to the running baseline of trusted poses.',
        minimum=0.0,
        maximum=1.0,
    )
    max_position_sigma: float = setting(
        0.15,
        "Largest deviation of the position along its weakest direction, by the alignment's"
        ' covariance, 1 sigma.',
        unit='m',
        minimum=1e-4,
        maximum=1e3,
    )
    max_rotation_sigma: float = setting(
        0.05,
        'The same of the rotation.',
        unit='rad',
        minimum=1e-5,
        maximum=3.0,
    )
    innovation_gate: float = setting(
        3.5,
        'Largest distance of the aligned from the predicted pose, in standard deviations.',
        minimum=1.0,
        maximum=100.0,
    )
    second_look_position: float = setting(
        0.05,
        'Largest distance between a pose and what a second look from another start leads to.',
        unit='m',
        minimum=1e-4,
        maximum=1e3,
    )
    second_look_rotation: float = setting(
        0.015,
        'Largest angle between the two.',
        unit='rad',
        minimum=1e-5,
        maximum=3.0,
    )
    max_focal_error: float = setting(
        0.03,
        'Largest error of the focal length in camera_info, as a share of it, by what the images'
        ' agree with best.',
        minimum=0.0,
        maximum=1.0,
    )
    frozen_image_timeout: float = setting(
        0.2,
        'Longest time that an image is believed which comes again and again, the same bit by bit,'
        ' after the camera moved. Raise it where a simulation without noise stands still.',
        unit='s',
        minimum=0.0,
        maximum=1e6,
        deprecated_names=('max_repetition',),
    )
    lost_after: int = setting(
        5,
        'Images in a row without a trusted pose after which the tracker is LOST.',
        unit='images',
        minimum=1,
        maximum=1000,
    )
    lost_after_interval: float = setting(
        0.5,
        'Time without a trusted pose after which an image without one makes it LOST, too.',
        unit='s',
        minimum=0.0,
        maximum=60.0,
    )
    restart_after: float = setting(
        5.0,
        'An image so far ahead of the last one begins anew, as where a recording is skipped'
        ' through: the last pose is then no more than a place to look at.',
        unit='s',
        minimum=0.1,
        maximum=3600.0,
    )
    search_period: float = setting(
        0.3,
        'Shortest time between two images that are searched for from nothing.',
        unit='s',
        minimum=0.0,
        maximum=60.0,
    )
