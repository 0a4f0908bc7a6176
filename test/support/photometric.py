"""Random problems for the photometric model."""

import torch

from mesh_reloc_ros.align.points import SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(width=80, height=60, fx=70.0, fy=76.0, cx=35.2, cy=33.1)
SCALE = 0.15


def random_problem(seed=1, batch=3, count=700):
    """Return points all around the camera with weights of 0 to 1, an image, poses, exposures."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape):
        return torch.rand(shape, generator=generator)

    points = (uniform(batch, count, 3) - 0.5) * torch.tensor([2.0, 1.5, 2.0]) + torch.tensor(
        [0.0, 0.0, 0.9]
    )
    surface = SurfacePoints.from_tensors(
        points=points,
        colours=uniform(batch, count, 3),
        gradients=0.2 * (uniform(batch, count, 3, 2) - 0.5),
        weights=(uniform(batch, count) - 0.3).clamp(min=0),
        block_size=count // 7,
    )
    image = (256 * uniform(60, 80, 3)).to(torch.uint8)
    live_T_keyframe = se3.exp(0.2 * (uniform(batch, 6).double() - 0.5))
    exposure = torch.tensor([1.0, 1, 1, 0, 0, 0]) + 0.4 * (uniform(batch, 6) - 0.5)
    level = ImageLevel(0, image.numpy(), CAMERA)
    return surface, level, live_T_keyframe, exposure, SCALE
