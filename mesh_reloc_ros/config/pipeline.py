"""All settings of the pipeline, as one tree: what the node declares and parameter files name."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.config.alignment import AdamSettings, AlignmentSettings
from mesh_reloc_ros.config.declaration import setting
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.config.tracking import TrackingSettings


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
    relocalization: RelocalizationSettings = RelocalizationSettings()
