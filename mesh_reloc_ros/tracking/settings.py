"""All settings of the pipeline, as one tree: what the node declares and parameter files name."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.alignment.settings import AdamSettings, AlignmentSettings
from mesh_reloc_ros.settings import setting


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
        0.5,
        'Smallest share of aligned pixels that must agree with the mesh.',
        minimum=0.0,
        maximum=1.0,
    )
    min_score: float = setting(
        0.7,
        'Smallest correlation of image and render for a pose to be trusted.',
        minimum=0.0,
        maximum=1.0,
    )
    min_score_of_baseline: float = setting(
        0.7,
        'Smallest score relative to the running baseline of trusted poses.',
        minimum=0.0,
        maximum=1.0,
    )
    innovation_gate: float = setting(
        3.5,
        'Largest distance of the aligned from the predicted pose, in standard deviations.',
        minimum=1.0,
        maximum=100.0,
    )
    lost_after: int = setting(
        5,
        'Images in a row without a trusted pose after which the tracker is LOST.',
        unit='images',
        minimum=1,
        maximum=1000,
    )


@dataclass(frozen=True)
class Settings:
    """Everything between a mesh with images and their poses."""

    device: str = setting(
        'auto',
        'Where the scene lives and the alignment runs; auto: a GPU where there is one.',
        choices=('auto', 'cpu', 'cuda'),
    )
    rasterizer: str = setting(
        'auto',
        'What renders the mesh; auto: pytorch3d on a GPU, embree without.',
        choices=('auto', 'embree', 'pytorch3d'),
    )
    solver: str = setting(
        'lm',
        'lm: Levenberg-Marquardt; adam: the slow reference by differentiable rendering.',
        choices=('lm', 'adam'),
    )
    alignment: AlignmentSettings = AlignmentSettings()
    adam: AdamSettings = AdamSettings()
    tracking: TrackingSettings = TrackingSettings()
