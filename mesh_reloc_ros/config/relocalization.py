"""Settings of global relocalization, the search for a pose without a prior."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.config.declaration import setting

UP_AXES = ('z', '-z', 'y', '-y', 'x', '-x', 'any')


@dataclass(frozen=True)
class RelocalizationSettings:
    """Viewpoints, retrieval, and the acceptance of a result."""

    enabled: bool = setting(
        True,
        'Search the whole mesh for the camera when there is no initial pose and when tracking is'
        ' lost.',
    )
    up_axis: str = setting(
        'z',
        'Axis of the map that points up. Poses of a level camera are tried first, then all others.'
        ' any: the axis is unknown, all poses are tried alike.',
        choices=UP_AXES,
    )
    max_viewpoints: int = setting(
        3000,
        'Maximum number of viewpoints from which thumbnails are rendered in advance. Search time'
        ' grows with it where local features do not find the camera.',
        minimum=10,
        maximum=100_000,
    )
    viewpoint_spacing: float = setting(
        0.2,
        'Distance between neighbouring viewpoints, relative to the distance of the surfaces that'
        ' they see. Lower finds the camera at more places; the search takes longer.',
        minimum=0.05,
        maximum=1.0,
    )
    min_view_share: float = setting(
        0.012,
        'Minimum fraction of all viewing directions in which a viewpoint sees the mesh. Lower adds'
        ' viewpoints farther away from the mesh.',
        minimum=1e-4,
        maximum=0.5,
    )
    max_memory: float = setting(
        1000.0,
        'Maximum memory for what is prepared of the mesh. A room takes 100 MB, most of it for'
        ' thumbnails, and each further room 30 MB. On a site that needs more, views from nearby are'
        ' thinned out.',
        unit='MB',
        minimum=1.0,
        maximum=1e6,
    )
    candidates: int = setting(
        400,
        'Number of candidate poses, best match first, that are aligned at low resolution. The best'
        ' few are refined further. More find the camera more often and take longer.',
        minimum=10,
        maximum=10_000,
    )
    min_score: float = setting(
        0.75,
        'Minimum score, the correlation of image and render, of a pose found by the search.',
        minimum=0.0,
        maximum=1.0,
    )
    min_margin: float = setting(
        0.15,
        'Minimum difference in score between the best pose and the best one at another place. Raise'
        ' it if places that look alike are confused.',
        minimum=0.0,
        maximum=1.0,
    )
    cache: bool = setting(
        True,
        'Keep the rendered viewpoints in a file beside the mesh, for a faster next start.',
    )
