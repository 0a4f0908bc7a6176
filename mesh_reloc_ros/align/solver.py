"""Alignment of an image with the scene, by the solver that the settings choose.

Every alignment is a function of its arguments. It may run on any number of threads at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from mesh_reloc_ros.align._adam import align_adam
from mesh_reloc_ros.align.alignment import Alignment, AlignMode
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene


def align(
    scene: Scene,
    pyramid: Sequence[ImageLevel],
    map_T_camera: Tensor,
    exposure: Tensor | None,
    settings: Settings,
    mode: AlignMode = AlignMode.TRACK,
    *,
    grey: bool = False,
    keyframe: Keyframe | None = None,
) -> Alignment:
    """Move start poses to where the render agrees with the image; see `align_lm`."""
    if settings.solver == 'adam':
        return align_adam(
            scene,
            pyramid,
            map_T_camera,
            exposure,
            settings.alignment,
            settings.adam,
            grey=grey,
        )
    return align_lm(
        scene,
        pyramid,
        map_T_camera,
        exposure,
        settings.alignment,
        mode,
        grey=grey,
        keyframe=keyframe,
    )


def uses_keyframes(settings: Settings) -> bool:
    """Whether the solver aligns with keyframes, and so whether mode and keyframe matter to it."""
    return settings.solver == 'lm'
