"""Settings of the two solvers."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.config.declaration import setting


@dataclass(frozen=True)
class AlignmentSettings:
    """Levenberg-Marquardt, coarse to fine."""

    finest_level: int = setting(
        0,
        'Finest pyramid level of the alignment. 0 is the full image; each level halves it. Higher'
        ' is faster and less accurate.',
        minimum=0,
        maximum=3,
    )
    levels: int = setting(
        4,
        'Number of pyramid levels while tracking. More levels tolerate larger prediction errors.',
        minimum=1,
        maximum=8,
    )
    start_levels: int = setting(
        6,
        'Number of pyramid levels from an initial pose and while lost.',
        minimum=1,
        maximum=8,
    )
    keyframe_motion: float = setting(
        0.1,
        'Image motion since the last keyframe, relative to the image width (of a strip, to 16/9 of'
        ' its height), after which a new keyframe is rendered between two images. At twice this'
        ' motion the image waits for the new keyframe.',
        minimum=0.0,
        maximum=0.5,
    )
    start_renders: int = setting(
        6,
        'Maximum number of renders per pyramid level from an initial pose and while lost.',
        minimum=1,
        maximum=50,
    )
    max_points: int = setting(
        4800,
        'Maximum number of points at the finest level; each coarser level has half as many. Doubled'
        ' from an initial pose and while lost. More points are more accurate and slower.',
        minimum=100,
        maximum=1_000_000,
    )
    max_iterations: int = setting(
        12,
        'Maximum number of solver iterations at the finest level. Four times as many at coarser'
        ' levels while tracking. Three times as many at all levels from an initial pose and while'
        ' lost. Where the finest level needs more, it gets up to four times as many.',
        minimum=1,
        maximum=200,
    )
    robust_scale: float = setting(
        0.12,
        'Scale of the robust loss, in image intensity of 0 to 1. Points with larger residuals are'
        ' down-weighted and count as outliers. Lower is stricter against occlusions; higher'
        ' tolerates a mesh that looks different from the images.',
        minimum=1e-3,
        maximum=1.0,
    )
    solver_device: str = setting(
        'auto',
        'Device of the solver while tracking. cuda: the GPU, if the mesh is rendered there. auto:'
        ' the faster of the two, timed before the first image. cpu: a search does not use the GPU'
        ' for its solver, either.',
        choices=('auto', 'cpu', 'cuda'),
    )
    map_error_scale: float = setting(
        1.0,
        'Factor on the part of the covariance that models local errors of the mesh. 1 assumes'
        ' surfaces displaced by 0.2 % of their distance, but at most by 2.6 texels (1 sigma), and'
        ' by less where an image fits the mesh better; 0 assumes an exact mesh.',
        minimum=0.0,
        maximum=1e6,
        deprecated_names=('covariance_scale',),
    )


@dataclass(frozen=True)
class AdamSettings:
    """Adam through the differentiable render."""

    iterations: int = setting(300, 'Maximum number of steps per image.', minimum=1, maximum=10_000)
    learning_rate: float = setting(
        0.001,
        'Step size, the same for rotation, translation and exposure.',
        minimum=1e-6,
        maximum=1.0,
    )
    clip: float = setting(
        0.2,
        'Residual at which the loss saturates, in image intensity of 0 to 1.',
        minimum=1e-3,
        maximum=1.0,
    )
    patience: int = setting(
        25,
        'Number of steps without improvement after which the solver stops.',
        minimum=1,
        maximum=10_000,
    )
    min_gain: float = setting(
        1e-5,
        'Smallest decrease of the loss that counts as an improvement.',
        minimum=0.0,
        maximum=1.0,
    )
