"""How well a render agrees with the image, on a scale that does not depend on the exposure."""

from __future__ import annotations

from torch import Tensor

from mesh_reloc_ros.alignment.points import SurfacePoints
from mesh_reloc_ros.alignment.residual import sample_live
from mesh_reloc_ros.geometry.camera import Camera


def correlation(surface: SurfacePoints, image: Tensor, camera: Camera, delta: Tensor) -> Tensor:
    """Return the zero-mean normalised correlation [B] of surface colours and the live image.

    Channels are centred one by one and correlated together.

    :param image: [H, W, 3] float32. :param delta: [B, 4, 4], rendering camera to live camera.
    """
    samples = sample_live(delta, surface.points, image, camera)
    weight = (surface.weights * samples.inside)[..., None]
    total = weight.sum(1, keepdim=True).clamp(min=1e-6)

    def centred(colours: Tensor) -> Tensor:
        return (colours - (colours * weight).sum(1, keepdim=True) / total) * weight

    rendered, live = centred(surface.colours), centred(samples.colours)
    product = (rendered * live).sum((1, 2))
    lengths = rendered.square().sum((1, 2)) * live.square().sum((1, 2))
    return product / lengths.clamp(min=1e-12).sqrt()
