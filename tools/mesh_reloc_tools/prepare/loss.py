"""What a mesh has lost: the difference of renders before and after, from the same poses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mesh_reloc_ros.overlay.view import Image
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_tools.drawing import drawn
from mesh_reloc_tools.pictures import below, beside, captioned
from mesh_reloc_tools.viewpoints import standing_views, up_vector

COUNT = 4
# A usual camera, 65 degrees across.
CAMERA = Camera(640, 480, 502.3, 502.3, 319.5, 239.5)


@dataclass(frozen=True)
class Loss:
    """Differences of the renders, over the pixels that show the mesh before and after."""

    colour: float
    """Mean absolute difference, 0 to 1."""
    uncovered: float
    """Share of the pixels that showed the mesh before, and do not now."""
    moved_m: tuple[float, float]
    """Median and 95th percentile of the distance between the surfaces, metres."""
    distance_m: float
    """Median distance of what the pixels show, metres."""

    def lines(self) -> list[str]:
        """Return them in words."""
        pixels = [CAMERA.fx * moved / self.distance_m for moved in self.moved_m]
        return [
            f'colours differ by {self.colour:.1%} in the mean; {self.uncovered:.1%} of what was'
            ' seen is gone',
            f'the surface moved by {_millimetres(self.moved_m[0])} in the median and'
            f' {_millimetres(self.moved_m[1])} at the 95th percentile: {pixels[0]:.2g} and'
            f' {pixels[1]:.2g} pixels at {self.distance_m:.2g} m in an image {CAMERA.width} wide',
        ]


def loss_of(before: Scene, after: Scene) -> tuple[Loss, Array]:
    """Return what is lost, and the poses [N, 4, 4] that it was seen from."""
    poses = standing_views(before, CAMERA, up_vector('z'), COUNT)
    shift = before.mesh.origin - after.mesh.origin
    colours, moved, depths, seen, gone = [], [], [], 0, 0
    for pose in poses:
        first = before.render(torch.from_numpy(pose), CAMERA)
        second = after.render(torch.from_numpy(_shifted(pose, shift)), CAMERA)
        both = first.mask & second.mask
        colours.append((first.colour - second.colour)[both].abs().mean(-1))
        normals = before.face_normals[first.face[both]]
        rays = CAMERA.rays(before.device)[both[0]] @ torch.from_numpy(pose[:3, :3].T).to(normals)
        change = (first.depth - second.depth)[both]
        moved.append((change * (rays * normals).sum(-1)).abs())
        depths.append(first.depth[both])
        seen += int(first.mask.sum())
        gone += int((first.mask & ~second.mask).sum())
    steps = torch.cat(moved).double().cpu().numpy()
    if not len(steps):
        return Loss(1.0, 1.0, (np.inf, np.inf), 1.0), poses
    return (
        Loss(
            float(torch.cat(colours).mean()),
            gone / max(seen, 1),
            (float(np.median(steps)), float(np.percentile(steps, 95))),
            float(torch.cat(depths).median()),
        ),
        poses,
    )


def both_sides(before: Scene, after: Scene, poses: Array) -> Image:
    """Return the mesh before and after, from each pose [N, 4, 4]."""
    shift = before.mesh.origin - after.mesh.origin
    rows = []
    for pose in poses:
        old, _ = drawn(before, pose, CAMERA)
        new, _ = drawn(after, _shifted(pose, shift), CAMERA)
        rows.append(beside([captioned(old, 'before'), captioned(new, 'after')]))
    return below(rows)


def _shifted(pose: Array, offset: Array) -> Array:
    moved = pose.copy()
    moved[:3, 3] += offset
    return moved


def _millimetres(metres: float) -> str:
    return f'{1000 * metres:.2g} mm'
