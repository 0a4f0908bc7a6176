"""Levenberg-Marquardt on the GPU: all levels of an image in one graph, which ends early by itself.

One transfer brings the image's levels and the start up, one brings the solution down. What follows
from it, score and covariance, is done on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.lm import Solution, normal_equations, pixels_per_step
from mesh_reloc_ros.align.points import PointTensors, SurfacePoints
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.device import launch, pinned
from mesh_reloc_ros.graphs import Repeater
from mesh_reloc_ros.kernels.gpu import TritonError, layout
from mesh_reloc_ros.kernels.gpu.levenberg_marquardt import (
    CHOOSE,
    FIRST,
    KEEP,
    STEPPED,
    advance,
    begin,
)
from mesh_reloc_ros.kernels.gpu.normal_equations import accumulate
from mesh_reloc_ros.kernels.layout import (
    COLUMNS,
    EXPOSURE_SIZE,
    SUMS,
    UNKNOWNS,
)
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.types import Array

# Parts of what is sent begin at multiples of this, so that kernels read them at once.
_ALIGNMENT = 16
_STATE, _LEVEL, _WIDTH = layout.STATE_SIZE.value, layout.LEVEL_SIZE.value, layout.WIDTH.value


class DeviceLevel(NamedTuple):
    """A level that is aligned: what the graph depends on, and what differs by image."""

    surface: SurfacePoints
    points: PointTensors
    """The same on the device."""
    live: ImageLevel
    options: SolverOptions
    """Its robust scale is that at a gain of 1."""
    least_scale: float
    """The robust scale is at least this, for the noise of the image."""


class Restart(NamedTuple):
    """When the finest level begins at the start of all levels instead of where those above end."""

    far_share: float
    """If the image moved by more than this share of its span,"""
    clearly_less: float
    """and if the loss there is less than this share."""


def solve_levels(
    repeater: Repeater,
    levels: Sequence[DeviceLevel],
    packed: Tensor,
    live_T_keyframe: Tensor,
    exposure: Tensor,
    largest_gain: float,
    restart: Restart,
) -> Solution:
    """Align a single image, level by level, and return the solution on the last one.

    :param packed: on the device, what the points of the levels are parts of.
    :param live_T_keyframe: [1, 4, 4] float64. :param exposure: [1, 6].
    """
    parts: list[NDArray[Any]] = [_state(live_T_keyframe, exposure), *map(_numbers, levels)]
    for level in levels:
        usable = level.live.usable
        parts.extend((level.live.image, level.live.image[:0] if usable is None else usable))
    places, size = _places(parts)
    staged = pinned(size, torch.uint8)
    flat = staged.numpy()
    for part, place in zip(parts, places, strict=True):
        flat[place : place + part.nbytes] = np.ascontiguousarray(part).reshape(-1).view(np.uint8)

    def work(keyframe: Tensor, sent: Tensor) -> tuple[None, list[Tensor]]:
        offset = packed.storage_offset()
        views = [
            [
                keyframe.as_strided(t.shape, t.stride(), t.storage_offset() - offset)
                for t in points.tensors
            ]
            for points in (level.points for level in levels)
        ]
        sent_parts = [
            sent[place : place + part.nbytes] for part, place in zip(parts, places, strict=True)
        ]
        return None, [_solve(levels, views, sent_parts, largest_gain, restart).to(torch.float32)]

    shapes = tuple((part.shape, part.dtype) for part in parts)
    key = (
        'solve',
        shapes,
        packed.shape,
        *((level.points.weights.shape, level.options) for level in levels),
        largest_gain,
        restart,
    )
    try:
        (state,) = repeater.run(key, work, [packed, staged]).arrays
    except TritonError as error:
        raise RuntimeError(f'Triton: {error}') from error
    return _solution(state[0].astype(np.float64), levels[-1].surface)


def _solve(
    levels: Sequence[DeviceLevel],
    points: Sequence[Sequence[Tensor]],
    sent: Sequence[Tensor],
    largest_gain: float,
    restart: Restart,
) -> Tensor:
    """Start the kernels of all levels, and return the state [1, STATE_SIZE] at the end."""
    state = sent[0].view(torch.float64).clone()
    numbers, images = sent[1 : 1 + len(levels)], sent[1 + len(levels) :]
    for i, level in enumerate(levels):
        run = _LevelRun.of(level, points[i], images[2 * i : 2 * i + 2], numbers[i], state, restart)
        launch(begin, (1,), state, run.numbers, largest_gain, 1, num_warps=1)
        run.evaluate()
        if i and i == len(levels) - 1:
            run.take_in(KEEP)
            run.evaluate()
            run.take_in(CHOOSE)
        else:
            run.take_in(FIRST)
        for _ in range(level.options.max_iterations):
            run.evaluate()
            run.take_in(STEPPED)
    return state.reshape(1, _STATE)


class _LevelRun(NamedTuple):
    """The kernels of a level, and what they work on."""

    level: DeviceLevel
    points: Sequence[Tensor]
    image: Sequence[Tensor]
    """Pixels, and which are usable."""
    numbers: Tensor
    """[LEVEL_SIZE + POSE_SIZE] float64."""
    state: Tensor
    systems: Tensor
    """Of all blocks."""
    blocks: int
    restart: Restart

    @classmethod
    def of(
        cls,
        level: DeviceLevel,
        points: Sequence[Tensor],
        image: Sequence[Tensor],
        numbers: Tensor,
        state: Tensor,
        restart: Restart,
    ) -> _LevelRun:
        blocks = -(-level.points.weights.shape[1] // level.points.block_size)
        size = blocks * layout.SYSTEM_SIZE.value
        systems = torch.empty(size, dtype=torch.float64, device=state.device)
        as_numbers = numbers.view(torch.float64)
        return cls(level, points, image, as_numbers, state, systems, blocks, restart)

    def evaluate(self) -> None:
        """Sum up the blocks at the trial."""
        live, block_size = self.level.live, self.level.points.block_size
        height, width = live.image.shape[:2]
        has_mask = live.usable is not None
        pixels, usable = self.image
        launch(
            accumulate,
            (self.blocks, 1),
            *self.points,
            pixels,
            usable if has_mask else pixels,
            self.numbers,
            self.state,
            self.systems,
            self.level.points.weights.shape[1],
            block_size,
            self.blocks,
            width,
            height,
            int(has_mask),
            BLOCK=_power_of_two(block_size),
        )

    def take_in(self, mode: Any) -> None:
        """Accept the trial or not, and set the next."""
        options, camera = self.level.options, self.level.live.camera
        launch(
            advance,
            (1,),
            self.systems,
            self.state,
            self.numbers[_LEVEL:],
            self.blocks,
            options.max_iterations,
            options.small_px,
            options.largest_step * camera.width,
            options.min_seen,
            options.max_rise,
            *options.mixing,
            options.start_weight,
            self.restart.far_share * camera.span,
            self.restart.clearly_less,
            MODE=mode,
            num_warps=1,
        )


def _state(live_T_keyframe: Tensor, exposure: Tensor) -> Array:
    """Return the state of an alignment at its start, [STATE_SIZE]."""
    state, pose = np.zeros(_STATE), live_T_keyframe.numpy().reshape(16)
    for place in (layout.POSE.value, layout.START.value):
        state[place : place + 16] = pose
    state[layout.EXPOSURE.value :][:EXPOSURE_SIZE] = exposure.double().numpy()[0]
    return state


def _numbers(level: DeviceLevel) -> Array:
    """Return the numbers of a level, and pixels per step: [LEVEL_SIZE + POSE_SIZE]."""
    camera = level.live.camera
    scales = level.options.robust_scale, level.least_scale
    per_step = pixels_per_step(level.surface, camera)[0]
    return np.array([camera.fx, camera.fy, camera.cx, camera.cy, *scales, *per_step])


def _places(parts: Sequence[Any]) -> tuple[list[int], int]:
    """Return where parts begin, and the size of all, in bytes."""
    places, size = [], 0
    for part in parts:
        places.append(size)
        size += -(-part.nbytes // _ALIGNMENT) * _ALIGNMENT
    return places, size


def _power_of_two(count: int) -> int:
    return 1 << max(count - 1, 15).bit_length()


def _solution(state: Array, surface: SurfacePoints) -> Solution:
    """Return the solution of a state [STATE_SIZE]."""
    system = state[layout.SYSTEM.value :].reshape(_WIDTH, _WIDTH)
    sums = system[layout.ROW_OF_SUMS.value, :SUMS]
    pose = state[layout.POSE.value :][:16].reshape(1, 4, 4)
    exposure = state[layout.EXPOSURE.value :][:EXPOSURE_SIZE]
    return Solution(
        live_T_keyframe=torch.from_numpy(pose.copy()),
        exposure=torch.from_numpy(exposure[None]).float(),
        system=normal_equations(system[None, :UNKNOWNS, :COLUMNS], sums[None], surface),
        iterations=int(state[layout.ALL_ITERATIONS.value]),
        robust_scale=float(state[layout.SCALE.value]),
    )
