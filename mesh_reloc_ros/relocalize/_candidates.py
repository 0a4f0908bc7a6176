"""Candidate poses of an image, aligned coarse to fine and reduced to the best few."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from mesh_reloc_ros.align.alignment import neutral_exposure
from mesh_reloc_ros.align.keyframe import MIN_SIDE_PX
from mesh_reloc_ros.align.lm import solve
from mesh_reloc_ros.align.motions import moved_back
from mesh_reloc_ros.align.points import SurfacePoints, all_points, select_points
from mesh_reloc_ros.align.pyramid import ImageLevel, render_pyramid
from mesh_reloc_ros.align.score import block_correlations, mean_correlation
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.relocalize._pose_nms import nms_poses
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

_THREADS = 2
# Robust scale of the residual at the full image, and its growth with each coarser level.
_ROBUST_SCALE, _ROBUST_GROWTH = 0.12, 0.5
_SMALL_STEP_PX = 0.1
# Two poses are duplicates within this share of the distance to the mesh, and this many radians.
_SAME_SHARE, _SAME_ANGLE = 0.03, 0.05


@dataclass(frozen=True)
class Round:
    """One alignment of all remaining candidates."""

    above: int
    """Levels above the finest of the rounds."""
    points: int
    iterations: int
    kept: int
    """Candidates that remain."""


# From an image of about 40x30 to one of 160x120.
ROUNDS = (
    Round(2, 300, 8, 80),
    Round(2, 300, 8, 24),
    Round(1, 600, 8, 8),
    Round(0, 1200, 8, 8),
)
_LEVELS = 3


@dataclass(frozen=True)
class Candidates:
    """C poses, the best first."""

    map_T_camera: Tensor
    """[C, 4, 4] float64."""
    exposure: Tensor
    """[C, 6]."""
    score: Tensor
    """[C], agreement of render and image; see `mean_correlation`."""
    distance: Tensor
    """[C], metres, median depth of the view."""

    def best(self, count: int) -> Candidates:
        """Return the `count` best distinct poses."""
        order = self.score.argsort(descending=True, stable=True)
        poses, distance = self.map_T_camera[order].numpy(), self.distance[order].numpy()
        chosen = nms_poses(poses, distance, _SAME_SHARE, _SAME_ANGLE, count)
        picked = order[torch.from_numpy(chosen)]
        return Candidates(*(values[picked] for values in _values(self)))


def align_candidates(
    scene: Scene,
    pyramid: Sequence[ImageLevel],
    map_T_camera: Tensor,
    rounds: tuple[Round, ...] = ROUNDS,
    *,
    grey: bool = False,
    on_device: bool = False,
) -> Candidates:
    """Align an image from many poses [C, 4, 4], and return the few that agree best.

    :param pyramid: all levels of the image; see `image_pyramid`.
    :param grey: the image is grey.
    :param on_device: align all poses as one batch on the GPU, if the mesh is rendered there.
    """
    poses = map_T_camera.double()
    exposure = neutral_exposure(len(poses))
    coarsest = _coarsest_level(pyramid[0].camera)
    finest = max(coarsest - _LEVELS + 1, 0)
    for turn in rounds:
        level = pyramid[min(finest + turn.above, coarsest)]
        found = _aligned(scene, level, poses, exposure, turn, grey=grey, on_device=on_device)
        best = found.best(turn.kept)
        poses, exposure = best.map_T_camera, best.exposure
    return best


def _coarsest_level(camera: Camera) -> int:
    """Return the level of the smallest image that candidates are aligned with."""
    level = 0
    while min(camera.width, camera.height) >> (level + 1) >= MIN_SIDE_PX:
        level += 1
    return level


def _aligned(
    scene: Scene,
    level: ImageLevel,
    poses: Tensor,
    exposure: Tensor,
    turn: Round,
    *,
    grey: bool,
    on_device: bool,
) -> Candidates:
    """Align with renders of one level."""
    halves = range(_THREADS if scene.device.type == 'cpu' and len(poses) > _THREADS else 1)
    parts = [slice(number, None, len(halves)) for number in halves]

    def align(part: slice) -> Candidates:
        return _aligned_batch(
            scene, level, poses[part], exposure[part], turn, grey=grey, on_device=on_device
        )

    if len(parts) == 1:
        return align(parts[0])
    with ThreadPoolExecutor(_THREADS) as threads:
        found = list(threads.map(align, parts))
    return Candidates(*(torch.cat(values) for values in zip(*map(_values, found), strict=True)))


def _values(candidates: Candidates) -> list[Tensor]:
    return list(vars(candidates).values())


def _aligned_batch(
    scene: Scene,
    level: ImageLevel,
    poses: Tensor,
    exposure: Tensor,
    turn: Round,
    *,
    grey: bool,
    on_device: bool,
) -> Candidates:
    render = scene.render(poses, level.camera, grey=grey)
    view = render_pyramid(render.colour, render.depth, level.camera, 1)[0]
    points, everything = select_points(view, turn.points), all_points(view)
    options = SolverOptions(
        robust_scale=_ROBUST_SCALE * (1 + _ROBUST_GROWTH * level.number),
        max_iterations=turn.iterations,
        small_px=_SMALL_STEP_PX,
    )

    def align_there() -> Candidates:
        # Triton takes a second to import.
        from mesh_reloc_ros.align.device_batch import solve_batch_on_device

        motions, *others = solve_batch_on_device(points, everything, level, exposure, options)
        return Candidates(moved_back(poses, motions), *others)

    found = None
    if on_device and scene.solving is not None and points.weights.device.type != 'cpu':
        found = scene.solving.attempt(align_there)
    return found or _aligned_on_cpu(
        points.on_host(), everything.on_host(), level, poses, exposure, options
    )


def _aligned_on_cpu(
    surface: SurfacePoints,
    everything: SurfacePoints,
    level: ImageLevel,
    poses: Tensor,
    exposure: Tensor,
    options: SolverOptions,
) -> Candidates:
    still = torch.eye(4, dtype=torch.float64).repeat(len(poses), 1, 1)
    solution = solve(surface, level, still, exposure, options)
    motions, exposure = solution.live_T_keyframe, solution.exposure
    score = mean_correlation(block_correlations(everything, level, motions, exposure))
    distance = torch.from_numpy(surface.median_depth)
    return Candidates(moved_back(poses, motions), exposure, score, distance)
