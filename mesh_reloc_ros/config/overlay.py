"""Settings of the overlay."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.config.declaration import setting


@dataclass(frozen=True)
class OverlaySettings:
    """Content and appearance of the overlay, and how often the node draws it."""

    mode: str = setting(
        'edges',
        'Content. edges: edges of the mesh over the image. tint: the render blended over the image.'
        ' side_by_side: image and render. difference: the difference of both, colour-coded.',
        choices=('edges', 'tint', 'side_by_side', 'difference'),
    )
    max_rate: float = setting(
        10.0,
        'Maximum rate of the overlays. Without subscribers none are drawn.',
        unit='Hz',
        minimum=0.1,
        maximum=100.0,
    )
    max_width: int = setting(
        640,
        'Maximum width of the overlay. Larger images are scaled down.',
        unit='px',
        minimum=64,
        maximum=8192,
    )
    tint: float = setting(
        0.12,
        'Opacity of the tint over the area that the mesh covers, in mode edges.',
        minimum=0.0,
        maximum=1.0,
    )
    crease_angle: float = setting(
        40.0,
        'Smallest angle between two faces that is drawn as an edge.',
        unit='deg',
        minimum=5.0,
        maximum=180.0,
    )
    depth_step: float = setting(
        0.03,
        'Smallest step in depth that is drawn as an edge, relative to the depth.',
        minimum=1e-3,
        maximum=1.0,
    )
    render_strength: float = setting(
        0.5,
        'Opacity of the render over the image, in mode tint.',
        minimum=0.0,
        maximum=1.0,
    )
    full_difference: float = setting(
        0.35,
        'Difference that has the brightest colour in mode difference, in image intensity of 0 to'
        ' 1. Lower shows smaller differences.',
        minimum=0.01,
        maximum=1.0,
    )
