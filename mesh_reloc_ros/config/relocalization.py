"""Settings of the search for a pose without a prior."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.config.declaration import setting

UP_AXES = ('z', '-z', 'y', '-y', 'x', '-x', 'any')


@dataclass(frozen=True)
class RelocalizationSettings:
    """Viewpoints, the comparison with them, and when an answer is taken."""

    enabled: bool = setting(
        True,
        'Search for the camera where there is no start pose, and when it is lost.',
    )
    up_axis: str = setting(
        'z',
        "The map's axis that points up: poses of a camera held level come first, all others after"
        ' them; any: nothing is known.',
        choices=UP_AXES,
    )
    max_viewpoints: int = setting(
        3000,
        'Most places that the mesh is seen from in advance.',
        minimum=10,
        maximum=100_000,
    )
    viewpoint_spacing: float = setting(
        0.2,
        'Distance between neighbouring viewpoints, as a share of the distance to what they see.',
        minimum=0.05,
        maximum=1.0,
    )
    min_view_share: float = setting(
        0.012,
        'Smallest share of all directions in which a viewpoint sees the mesh; smaller: from'
        ' farther off.',
        minimum=1e-4,
        maximum=0.5,
    )
    candidates: int = setting(
        400,
        'Poses that are aligned with a small image, the likeliest first; a few are carried on.',
        minimum=10,
        maximum=10_000,
    )
    min_score: float = setting(
        0.75,
        'Smallest correlation of image and render for a pose that was found from nothing.',
        minimum=0.0,
        maximum=1.0,
    )
    min_margin: float = setting(
        0.15,
        'Smallest difference in score between the answer and the next best pose elsewhere.',
        minimum=0.0,
        maximum=1.0,
    )
    cache: bool = setting(
        True,
        'Keep what is seen from the viewpoints in a file beside the mesh, for the next start.',
    )
