"""The settings of the overlay."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.config.declaration import setting


@dataclass(frozen=True)
class OverlaySettings:
    """What the overlay shows, how it looks, and how often the node draws it."""

    mode: str = setting(
        'edges',
        "edges: the mesh's edges over the image. tint: its render blended over the image."
        ' side_by_side: image and render. difference: how far the two differ, in colours.',
        choices=('edges', 'tint', 'side_by_side', 'difference'),
    )
    max_rate: float = setting(
        10.0,
        'Most overlays that the node draws, and only while someone subscribes.',
        unit='Hz',
        minimum=0.1,
        maximum=100.0,
    )
    max_width: int = setting(
        640,
        'Widest overlay; larger images are drawn smaller.',
        unit='px',
        minimum=64,
        maximum=8192,
    )
    tint: float = setting(
        0.12,
        'Strength of the tint of the area that the mesh covers, in mode edges.',
        minimum=0.0,
        maximum=1.0,
    )
    crease_angle: float = setting(
        40.0,
        'Smallest bend of the surface that is drawn as an edge.',
        unit='deg',
        minimum=5.0,
        maximum=180.0,
    )
    depth_step: float = setting(
        0.03,
        'Smallest jump of depth that is drawn as an edge, relative to the depth.',
        minimum=1e-3,
        maximum=1.0,
    )
    render_strength: float = setting(
        0.5,
        'Strength of the render over the image, in mode tint.',
        minimum=0.0,
        maximum=1.0,
    )
    full_difference: float = setting(
        0.35,
        'Difference, in image intensity of 0 to 1, that has the brightest colour, in mode'
        ' difference.',
        minimum=0.01,
        maximum=1.0,
    )
