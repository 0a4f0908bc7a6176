"""Hard shadows: the sun through blinds, a lattice or leaves, or past a roof.

They lie on the mesh, and stay where they are while the camera moves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.stress.schedule import Change, Rng
from mesh_reloc_evaluation.stress.stress_image import Phase, StressImage, unchanged
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import shifted

Values = NDArray[np.float64]
Pattern = Callable[[Values, Values, Rng], NDArray[np.bool_]]
"""From two coordinates across the sun's rays, in periods, to where the shadow is."""

# Of a period of blinds and lattices, so much is in the shadow.
_BLINDS, _BARS = 0.5, 0.3
_WAVES = 8
# The edge of a shadow is this wide, in pixels (1 sigma): the lens is not perfect.
_EDGE_PX = 0.7


def blinds(x: Values, y: Values, rng: Rng) -> NDArray[np.bool_]:
    """Return parallel stripes."""
    return x % 1 < _BLINDS


def lattice(x: Values, y: Values, rng: Rng) -> NDArray[np.bool_]:
    """Return the bars of a lattice."""
    return (x % 1 < _BARS) | (y % 1 < _BARS)


def leaves(x: Values, y: Values, rng: Rng) -> NDArray[np.bool_]:
    """Return spots without order."""
    waves = rng.normal(size=(_WAVES, 2))
    return np.asarray(
        sum(np.cos(2 * np.pi * (wave[0] * x + wave[1] * y + rng.random())) for wave in waves) < 0
    )


def roof(x: Values, y: Values, rng: Rng) -> NDArray[np.bool_]:
    """Return all on one side of an edge."""
    return x < 0


def hard_shadow(
    scene: Scene | None, pattern: Pattern, period: float, share: float
) -> Callable[[Rng], Change]:
    """Cast a shadow on the mesh, from a random direction.

    :param scene: the mesh; None only if no image is made.
    :param period: of the pattern, as a share of the median distance of the first image.
    :param share: how much of the light the shadow takes.
    """

    def make(rng: Rng) -> Change:
        axes = np.linalg.qr(rng.normal(size=(3, 2)))[0]
        phase, seed = rng.random(2), int(rng.integers(2**31))
        origin: list[tuple[Array, float]] = []

        def change(sequence: PosedSequence, index: int, progress: float) -> StressImage:
            assert scene is not None
            if not origin:
                first = _surface(scene, sequence.frames[0], sequence.poses[0])
                distance = np.linalg.norm(first - sequence.poses[0][:3, 3], axis=-1)
                origin.append((np.median(first, axis=(0, 1)), float(np.median(distance))))
            (middle, distance), shown = origin[0], unchanged(sequence, index, Phase.FAULT)
            camera = shown.frame.camera
            surface = _surface(scene, shown.frame, sequence.poses[index])
            across = (surface - middle) @ axes / (period * distance)
            across = cv2.resize(across, (camera.width, camera.height))
            if pattern is not roof:
                across += phase
            dark = pattern(across[..., 0], across[..., 1], np.random.default_rng(seed))
            soft = cv2.GaussianBlur(dark.astype(np.float32), (0, 0), _EDGE_PX)
            image = shown.frame.image * (1 - share * soft[..., None])
            seen = image.round().clip(0, 255).astype(np.uint8)
            return replace(shown, frame=replace(shown.frame, image=seen))

        return change

    return make


def _surface(scene: Scene, frame: Frame, map_T_camera: Array) -> Array:
    """Return the points of the map [H / 2, W / 2, 3] that are seen; of the median depth if none."""
    camera = frame.camera.at_level(1)
    pose = shifted(map_T_camera, -scene.mesh.origin)
    depth = scene.render(torch.from_numpy(pose), camera).depth[0].cpu().numpy()
    seen = depth > 0
    depth = np.where(seen, depth, np.median(depth[seen]) if seen.any() else 1.0)
    points = camera.rays().numpy() * depth[..., None]
    return np.asarray(points @ map_T_camera[:3, :3].T + map_T_camera[:3, 3])
