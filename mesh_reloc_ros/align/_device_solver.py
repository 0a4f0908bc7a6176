"""Levenberg-Marquardt on the GPU, for a batch of poses; the kernels of a level end by themselves.

All is started without a look at a value, so that it can be captured as a graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mesh_reloc_ros.align.points import PointTensors
from mesh_reloc_ros.device import launch
from mesh_reloc_ros.kernels.gpu import layout
from mesh_reloc_ros.kernels.gpu.block_sums import sum_blocks
from mesh_reloc_ros.kernels.gpu.levenberg_marquardt import (
    FIRST,
    STEPPED,
    advance,
    begin,
)
from mesh_reloc_ros.kernels.gpu.normal_equations import accumulate
from mesh_reloc_ros.kernels.gpu.pyramid import halve
from mesh_reloc_ros.kernels.gpu.score import correlate
from mesh_reloc_ros.kernels.layout import CHANNELS, EXPOSURE_SIZE, FIGURES
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.kernels.score import BLOCK_PX
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

STATE_SIZE = layout.STATE_SIZE.value
_LEVEL = layout.LEVEL_SIZE.value
_VALUES_AT_ONCE = 1024


class DeviceImage(NamedTuple):
    """A level of the live image on the GPU."""

    pixels: Tensor
    """[H, W, 3] uint8."""
    usable: Tensor | None
    """[H, W] uint8; None: all pixels are."""

    def halved(self) -> DeviceImage:
        """Return the next level; see `align.pyramid`."""
        usable = None if self.usable is None else _halved(self.usable, is_mask=True)
        return DeviceImage(_halved(self.pixels, is_mask=False), usable)

    @property
    def arguments(self) -> tuple[Tensor, Tensor]:
        """Pixels and mask, as kernels take them."""
        return self.pixels, self.pixels if self.usable is None else self.usable

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Width, height, and whether there is a mask."""
        height, width = self.pixels.shape[:2]
        return width, height, int(self.usable is not None)


class DeviceLevel(NamedTuple):
    """A level that is aligned, on the GPU."""

    points: PointTensors
    """[B, N, ...]."""
    image: DeviceImage
    numbers: Tensor
    """[LEVEL_SIZE + B * POSE_SIZE] float64: `level_numbers`, `pixels_per_step` of `align.lm`."""
    camera: Camera
    options: SolverOptions
    """Its robust scale counts for nothing: see `level_numbers`."""

    @property
    def blocks(self) -> int:
        """Number of blocks of points."""
        return -(-self.points.weights.shape[1] // self.points.block_size)


def start_state(live_T_keyframe: Tensor, exposure: Tensor) -> Array:
    """Return the state of alignments at their start, [B * STATE_SIZE]; see `kernels.gpu.layout`.

    :param live_T_keyframe: [B, 4, 4] float64. :param exposure: [B, 6].
    """
    state = np.zeros((len(live_T_keyframe), STATE_SIZE))
    poses = live_T_keyframe.numpy().reshape(-1, 16)
    state[:, layout.POSE.value :][:, :16] = poses
    state[:, layout.EXPOSURE.value :][:, :EXPOSURE_SIZE] = exposure.double().numpy()
    return state.reshape(-1)


def level_numbers(camera: Camera, robust_scale: float, least_scale: float) -> Array:
    """Return the numbers of a level, [LEVEL_SIZE]; see `DeviceLevel.numbers`.

    :param robust_scale: at a gain of 1; it grows with the gain, and is at least `least_scale`.
    """
    scales = robust_scale, least_scale
    return np.array([camera.fx, camera.fy, camera.cx, camera.cy, *scales])


def run_levels(
    levels: Sequence[DeviceLevel],
    state: Tensor,
    largest_gain: float,
) -> None:
    """Start the kernels of all levels, which lead the state [B * STATE_SIZE] to its end."""
    batch = len(state) // STATE_SIZE
    for level in levels:
        run = _LevelRun(level, state, batch)
        launch(begin, (batch,), state, level.numbers, largest_gain, batch, num_warps=1)
        run.evaluate()
        run.take_in(FIRST)
        for _ in range(level.options.max_iterations):
            run.evaluate()
            run.take_in(STEPPED)


class _LevelRun:
    """The kernels of a level, and what they work on."""

    def __init__(self, level: DeviceLevel, state: Tensor, batch: int) -> None:
        self._level, self._state, self._batch = level, state, batch
        size = batch * level.blocks * layout.SYSTEM_SIZE.value
        self._systems = torch.empty(size, dtype=torch.float64, device=state.device)

    def evaluate(self) -> None:
        """Sum up the blocks at the trials."""
        _sum_up(accumulate, self._level, self._state, self._batch, self._systems)

    def take_in(self, mode: Any) -> None:
        """Accept the trials or not, and set the next."""
        options, camera = self._level.options, self._level.camera
        launch(
            advance,
            (self._batch,),
            self._systems,
            self._state,
            self._level.numbers[_LEVEL:],
            self._level.blocks,
            options.max_iterations,
            options.small_px,
            options.largest_step * camera.width,
            options.min_seen,
            options.max_rise,
            *options.mixing,
            options.start_weight,
            MODE=mode,
            num_warps=1,
        )


def block_figures(level: DeviceLevel, state: Tensor) -> Tensor:
    """Return the figures of the blocks of a level [B, blocks, FIGURES] at the end, float64."""
    batch = len(state) // STATE_SIZE
    shape = batch, level.blocks, FIGURES
    figures = torch.empty(shape, dtype=torch.float64, device=state.device)
    _sum_up(sum_blocks, level, state, batch, figures)
    return figures


def block_correlations(
    view: PointTensors, image: DeviceImage, numbers: Tensor, state: Tensor
) -> Tensor:
    """Return the correlations of the blocks of an image [B, blocks] at the end, float64.

    :param view: every pixel of renders of the image's size; see `align.score`.
    :param numbers: float64, begins with fx, fy, cx, cy of the image.
    """
    batch, (width, height, has_mask) = len(state) // STATE_SIZE, image.sizes
    blocks = -(-width // BLOCK_PX) * -(-height // BLOCK_PX)
    found = torch.empty((batch, blocks), dtype=torch.float64, device=state.device)
    launch(
        correlate,
        (blocks, batch),
        view.points,
        view.colours,
        view.weights,
        *image.arguments,
        numbers,
        state,
        found,
        width * height,
        width,
        height,
        has_mask,
        num_warps=2,
    )
    return found


def _sum_up(kernel: Any, level: DeviceLevel, state: Tensor, batch: int, into: Tensor) -> None:
    """Have a kernel sum up the blocks of points of all alignments."""
    block_size = level.points.block_size
    launch(
        kernel,
        (level.blocks, batch),
        *level.points.tensors,
        *level.image.arguments,
        level.numbers,
        state,
        into,
        level.points.weights.shape[1],
        block_size,
        level.blocks,
        *level.image.sizes,
        BLOCK=1 << max(block_size - 1, 15).bit_length(),
    )


def _halved(image: Tensor, *, is_mask: bool) -> Tensor:
    height, width = image.shape[:2]
    smaller = image.new_empty((height // 2, width // 2, *image.shape[2:]))
    count = (height // 2) * (width // 2) * (1 if is_mask else CHANNELS)
    launch(
        halve,
        (-(-count // _VALUES_AT_ONCE),),
        image,
        smaller,
        width,
        width // 2,
        count,
        IS_MASK=int(is_mask),
        BLOCK=_VALUES_AT_ONCE,
    )
    return smaller
