"""How the levels of an image are aligned: the robust scale, and when the solver stops."""

from __future__ import annotations

from torch import Tensor

from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.kernels.exposure import ALPHA
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.types.camera import Camera

# The robust scale grows by this share of its value at the finest level with each coarser level.
_ROBUST_GROWTH = 0.5
# A step that moves the image by less than this, in pixels, ends a level: the finest, the coarser.
_SMALL_STEP_PX, _SMALL_COARSE_STEP_PX = 0.1, 0.2
# The noise of an image is no reason to reject it: the robust scale is at least so many deviations.
NOISE_SIGMAS = 3.0
# The robust scale grows with the gain of the image, up to this gain; less where colours are
# clipped, as what is wrong then does not differ by more.
LARGEST_GAIN, _LARGEST_CLIPPED_GAIN = 4.0, 1.5
# Above the finest level the start pose counts as a measurement: off by this share of the span,
# where the image is off by so many pixels. What a small mesh hardly determines so stays.
_START_SHARE, _COARSE_ERROR_PX = 0.1, 0.3


def solver_options(
    live: ImageLevel,
    exposure: Tensor,
    settings: AlignmentSettings,
    steps_above: int,
    *,
    is_clipped: bool = False,
) -> SolverOptions:
    """Return how a level of the image is aligned, from exposures [B, 6].

    :param steps_above: factor on the number of steps above the finest level.
    :param is_clipped: it is aligned with a clipped keyframe.
    """
    # A brighter image differs from the mesh by more.
    largest = _LARGEST_CLIPPED_GAIN if is_clipped else LARGEST_GAIN
    gain = min(max(float(exposure.numpy()[:, ALPHA].mean()), 1.0), largest)
    options = options_of(live.number, live.camera, settings, steps_above)
    scale = max(gain * options.robust_scale, NOISE_SIGMAS * live.noise)
    return options._replace(robust_scale=scale)


def options_of(
    number: int, camera: Camera, settings: AlignmentSettings, steps_above: int
) -> SolverOptions:
    """Return the same for an image as bright as the mesh's texture, without noise.

    :param number: of the level. :param camera: of the level.
    """
    levels_above = number - settings.finest_level
    options = SolverOptions(
        robust_scale=settings.robust_scale * (1 + _ROBUST_GROWTH * levels_above),
        max_iterations=settings.max_iterations,
        small_px=_SMALL_STEP_PX,
    )
    if not levels_above:
        return options
    return options._replace(
        max_iterations=steps_above * settings.max_iterations,
        small_px=_SMALL_COARSE_STEP_PX,
        start_weight=(_COARSE_ERROR_PX / (_START_SHARE * camera.span)) ** 2,
    )
