"""All settings of the pipeline, as one tree."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.config.alignment import AdamSettings, AlignmentSettings
from mesh_reloc_ros.config.declaration import group, setting
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.config.tracking import TrackingSettings


@dataclass(frozen=True)
class Settings:
    """From a mesh and images to poses."""

    device: str = setting(
        'auto',
        'Device that renders the mesh. auto: the GPU if there is one, else the CPU.',
        choices=('auto', 'cpu', 'cuda'),
    )
    rasterizer: str = setting(
        'auto',
        'Renderer of the mesh. auto: pytorch3d on a GPU; on the CPU zbuffer, and embree for few'
        ' pixels where it is installed.',
        choices=('auto', 'zbuffer', 'embree', 'pytorch3d'),
    )
    solver: str = setting(
        'lm',
        'Solver of the alignment. lm: Levenberg-Marquardt. adam: slow reference by differentiable'
        ' rendering.',
        choices=('lm', 'adam'),
    )
    mesh_cache: bool = setting(
        True,
        'Keep what is prepared of a mesh with large textures in a file beside it, for a faster next'
        ' start. The file is a third larger than the textures without compression.',
    )
    alignment: AlignmentSettings = group(
        AlignmentSettings(), 'Coarse-to-fine alignment of image and render (solver: lm).', live=True
    )
    adam: AdamSettings = group(AdamSettings(), 'The reference solver (solver: adam).')
    tracking: TrackingSettings = group(
        TrackingSettings(), 'Motion model, pose checks and state transitions.', live=True
    )
    relocalization: RelocalizationSettings = group(
        RelocalizationSettings(), 'Global relocalization: the search without a prior pose.'
    )
