"""Settings of the two solvers."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.config.declaration import setting


@dataclass(frozen=True)
class AlignmentSettings:
    """Levenberg-Marquardt, coarse to fine."""

    finest_level: int = setting(
        0,
        'Pyramid level of the last alignment; 0 is the full image, each level halves it.',
        minimum=0,
        maximum=3,
    )
    levels: int = setting(
        4,
        'Pyramid levels used while tracking; more survive larger errors of the prediction.',
        minimum=1,
        maximum=8,
    )
    start_levels: int = setting(
        6,
        'Pyramid levels used from a start pose and while lost.',
        minimum=1,
        maximum=8,
    )
    keyframe_motion: float = setting(
        0.05,
        'Motion of the image, as a share of its width, after which the mesh is rendered again'
        ' between two images; an image waits for it only after three times as much.',
        minimum=0.0,
        maximum=0.5,
    )
    start_renders: int = setting(
        6,
        'Most renders per pyramid level from a start pose and while lost.',
        minimum=1,
        maximum=50,
    )
    max_points: int = setting(
        4800,
        'Most pixels used at the finest level, half as many at each coarser one; twice as many from'
        ' a start pose and while lost.',
        minimum=100,
        maximum=1_000_000,
    )
    max_iterations: int = setting(
        12,
        'Most steps per level; three times as many from a start pose and while lost.',
        minimum=1,
        maximum=200,
    )
    robust_scale: float = setting(
        0.12,
        'Residual, in image intensity of 0 to 1, from which pixels count less and less.',
        minimum=1e-3,
        maximum=1.0,
    )
    map_error_scale: float = setting(
        1.0,
        'Factor on that part of the covariance that no image tells: areas of the mesh that are out'
        ' of place. At 1 they are by 0.1 % of their distance, 1 sigma; 0: the mesh is exact.',
        minimum=0.0,
        maximum=1e6,
        deprecated_names=('covariance_scale',),
    )


@dataclass(frozen=True)
class AdamSettings:
    """Adam through the differentiable render."""

    iterations: int = setting(300, 'Most steps per image.', minimum=1, maximum=10_000)
    learning_rate: float = setting(
        0.001,
        'Step size, alike for rotation, translation and exposure.',
        minimum=1e-6,
        maximum=1.0,
    )
    clip: float = setting(
        0.2,
        'Residual at which the loss stops growing, of 0 to 1.',
        minimum=1e-3,
        maximum=1.0,
    )
    patience: int = setting(
        25,
        'Steps without a gain after which it stops.',
        minimum=1,
        maximum=10_000,
    )
    min_gain: float = setting(
        1e-5,
        'Drop of the loss that counts as a gain.',
        minimum=0.0,
        maximum=1.0,
    )
