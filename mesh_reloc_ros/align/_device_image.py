"""One image aligned on the GPU, in one graph: pyramid, all levels, and what the pose is judged by.

One transfer brings the finest level and the start up, one brings the solution down, with the
figures of its blocks that covariance and score follow from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align._device_solver import (
    DeviceImage,
    DeviceLevel,
    block_correlations,
    block_figures,
    level_numbers,
    run_levels,
    start_state,
)
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.align.lm import Evidence, Solution, normal_equations, pixels_per_step
from mesh_reloc_ros.align.points import PointTensors, SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.device import pinned
from mesh_reloc_ros.graphs import Repeater
from mesh_reloc_ros.kernels.gpu import TritonError, layout
from mesh_reloc_ros.kernels.layout import COLUMNS, EXPOSURE_SIZE, POSE_SIZE, SUMS, UNKNOWNS
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

# Parts of what is sent begin at multiples of this, so that kernels read them at once.
_ALIGNMENT = 16


class LevelPlan(NamedTuple):
    """How a level of a keyframe is aligned with an image."""

    place: int
    """In the keyframe's levels."""
    options: SolverOptions
    """Its robust scale is that at a gain of 1."""
    least_scale: float
    """The robust scale is at least this, for the noise of the image."""


def solve_on_device(
    repeater: Repeater,
    keyframe: Keyframe,
    live: ImageLevel,
    plans: Sequence[LevelPlan],
    live_T_keyframe: Tensor,
    exposure: Tensor,
    largest_gain: float,
) -> Solution:
    """Align a single image, level by level, and return the solution on the last one.

    :param keyframe: with its points on the GPU. :param live: the image at the keyframe's finest
        level. :param plans: the coarsest level first.
    :param live_T_keyframe: [1, 4, 4] float64. :param exposure: [1, 6].
    """
    assert keyframe.on_device is not None
    packed, views = keyframe.on_device
    score = keyframe.score_level
    parts: list[NDArray[Any]] = [
        start_state(live_T_keyframe, exposure),
        *(_numbers(keyframe, plan) for plan in plans),
        level_numbers(score.camera, 0.0, 0.0),
        live.image,
        *(() if live.usable is None else (live.usable,)),
    ]
    places, staged = _staged(parts)

    def work(points: Tensor, sent: Tensor) -> tuple[None, list[Tensor]]:
        state, *numbers, of_score, pixels, usable = _received(sent, parts, places)
        state = state.clone()
        image = DeviceImage(pixels, usable)
        images = _levels(image, live.number, max(score.number, *_numbers_of(keyframe, plans)))
        own = [_repeated(view, packed, points) for view in views]
        levels = [
            _device_level(keyframe, plan, own[plan.place], images, each)
            for plan, each in zip(plans, numbers, strict=True)
        ]
        run_levels(levels, state, largest_gain)
        found = (
            state,
            block_figures(levels[-1], state),
            block_correlations(own[-1], images[score.number], of_score, state),
        )
        return None, [part.to(torch.float32) for part in found]

    key = (
        'solve',
        live.number,
        *((part.shape, part.dtype) for part in parts),
        packed.shape,
        *((plan.place, plan.options) for plan in plans),
        *(view.weights.shape for view in views),
        *_numbers_of(keyframe, plans),
        score.number,
        largest_gain,
    )
    try:
        state, figures, correlations = repeater.run(key, work, [packed, staged]).arrays
    except TritonError as error:
        raise RuntimeError(f'Triton: {error}') from error
    evidence = Evidence(figures.astype(np.float64), correlations)
    level, options = keyframe.levels[plans[-1].place], plans[-1].options
    return _solution(state.astype(np.float64), level.surface, level.camera, options, evidence)


def _numbers_of(keyframe: Keyframe, plans: Sequence[LevelPlan]) -> list[int]:
    """Return the numbers of the levels that are aligned."""
    return [keyframe.levels[plan.place].number for plan in plans]


def _numbers(keyframe: Keyframe, plan: LevelPlan) -> Array:
    level = keyframe.levels[plan.place]
    per_step = pixels_per_step(level.surface, level.camera)
    numbers = level_numbers(level.camera, plan.options.robust_scale, plan.least_scale)
    return np.concatenate((numbers, per_step.reshape(-1)))


def _staged(parts: Sequence[NDArray[Any]]) -> tuple[list[int], Tensor]:
    """Return where parts begin in what is sent, in bytes, and that, in memory the GPU reads."""
    places, size = [], 0
    for part in parts:
        places.append(size)
        size += -(-part.nbytes // _ALIGNMENT) * _ALIGNMENT
    staged = pinned(size, torch.uint8)
    flat = staged.numpy()
    for part, place in zip(parts, places, strict=True):
        flat[place : place + part.nbytes] = np.ascontiguousarray(part).reshape(-1).view(np.uint8)
    return places, staged


def _received(sent: Tensor, parts: Sequence[NDArray[Any]], places: Sequence[int]) -> list[Any]:
    """Return the parts on the GPU, the mask last: None if there is none."""
    found: list[Any] = []
    for part, place in zip(parts, places, strict=True):
        own = sent[place : place + part.nbytes]
        is_image = part.dtype == np.uint8
        found.append(own.reshape(part.shape) if is_image else own.view(torch.float64))
    is_masked = parts[-1].ndim == 2
    return found if is_masked else [*found, None]


def _levels(image: DeviceImage, first: int, last: int) -> dict[int, DeviceImage]:
    """Return the levels of an image by number."""
    levels = {first: image}
    for number in range(first, last):
        levels[number + 1] = levels[number].halved()
    return levels


def _repeated(view: PointTensors, packed: Tensor, points: Tensor) -> PointTensors:
    """Return the part of `points` that a view is of `packed`."""
    first = packed.storage_offset()

    def own(t: Tensor) -> Tensor:
        return points.as_strided(t.shape, t.stride(), t.storage_offset() - first)

    return view.mapped(own)


def _device_level(
    keyframe: Keyframe,
    plan: LevelPlan,
    points: PointTensors,
    images: dict[int, DeviceImage],
    numbers: Tensor,
) -> DeviceLevel:
    level = keyframe.levels[plan.place]
    return DeviceLevel(points, images[level.number], numbers, level.camera, plan.options)


def _solution(
    state: Array,
    surface: SurfacePoints,
    camera: Camera,
    options: SolverOptions,
    evidence: Evidence | None,
) -> Solution:
    """Return the solution of a state [STATE_SIZE]; the other arguments are of the last level."""
    width = layout.WIDTH.value
    system = state[layout.SYSTEM.value :].reshape(width, width)
    sums = system[layout.ROW_OF_SUMS.value, :SUMS]
    pose = state[layout.POSE.value :][:16].reshape(1, 4, 4)
    exposure = state[layout.EXPOSURE.value :][:EXPOSURE_SIZE]
    moved = np.abs(state[layout.MOVED.value :][:POSE_SIZE])
    return Solution(
        live_T_keyframe=torch.from_numpy(pose.copy()),
        exposure=torch.from_numpy(exposure[None]).float(),
        system=normal_equations(system[None, :UNKNOWNS, :COLUMNS], sums[None], surface),
        iterations=int(state[layout.ALL_ITERATIONS.value]),
        robust_scale=float(state[layout.SCALE.value]),
        moved_px=float((moved * pixels_per_step(surface, camera)).sum()),
        is_at_limit=bool(state[layout.ITERATIONS.value] >= options.max_iterations),
        evidence=evidence,
    )
