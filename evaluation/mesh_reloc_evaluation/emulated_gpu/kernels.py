"""What kernels of Triton do, by compiled functions of the CPU: Triton's interpreter is slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from torch import Tensor

from mesh_reloc_ros.kernels.block_sums import sum_blocks
from mesh_reloc_ros.kernels.layout import COLUMNS, EXPOSURE_SIZE, FIGURES, SUMS, UNKNOWNS
from mesh_reloc_ros.kernels.normal_equations import accumulate
from mesh_reloc_ros.kernels.photometric import LiveImage, Template, render_of
from mesh_reloc_ros.kernels.score import block_correlations
from mesh_reloc_ros.types import Array


def are_done(state: Tensor) -> bool:
    """Whether all kernels would leave at once: the interpreter takes long even for that."""
    from mesh_reloc_ros.kernels.gpu import layout

    return bool(_states(state)[:, layout.DONE.value].all())


def _states(state: Tensor) -> Array:
    from mesh_reloc_ros.kernels.gpu import layout

    return state.numpy().reshape(-1, layout.STATE_SIZE.value)


def _live(
    pixels: Tensor, usable: Tensor, level: Tensor, width: int, height: int, has_mask: int
) -> LiveImage:
    mask = usable.numpy().reshape(height, width) if has_mask else np.empty((0, 0), np.uint8)
    image = pixels.numpy().reshape(height, width, 3)
    return LiveImage(image, mask, *level.numpy()[:4].tolist())


def _template(arrays: tuple[Tensor, ...], block_size: int) -> Template:
    points, colours, gradients, weights = (values.numpy() for values in arrays)
    return Template(points, colours, gradients, weights, block_size)


def _solved(state: Tensor) -> tuple[Array, Array]:
    """Return poses [B, 4, 4] and exposures [B, EXPOSURE_SIZE] of states."""
    from mesh_reloc_ros.kernels.gpu import layout

    own = _states(state)
    poses = own[:, layout.POSE.value :][:, :16].reshape(-1, 4, 4)
    return poses.copy(), own[:, layout.EXPOSURE.value :][:, :EXPOSURE_SIZE].copy()


def _accumulate(*arguments: Any, BLOCK: int) -> None:
    from mesh_reloc_ros.kernels.gpu import layout

    *points, pixels, usable, level, state, systems, _, block_size, blocks, width, height, mask = (
        arguments
    )
    template = _template(tuple(points), block_size)
    live = _live(pixels, usable, level, width, height, mask)
    shape = -1, blocks, layout.WIDTH.value, layout.WIDTH.value
    for b, (own, into) in enumerate(
        zip(_states(state), systems.numpy().reshape(shape), strict=True)
    ):
        if own[layout.DONE.value]:
            continue
        system, sums = np.zeros((UNKNOWNS, COLUMNS)), np.zeros(SUMS)
        pose = own[layout.TRIAL.value :][:16].reshape(4, 4)
        exposure = own[layout.TRIAL_EXPOSURE.value :][:EXPOSURE_SIZE]
        scale = own[layout.SCALE.value]
        accumulate(render_of(template, b), live, pose, exposure, scale, system, sums)
        into[:] = 0
        into[0, :UNKNOWNS, :COLUMNS] = system
        into[0, layout.ROW_OF_SUMS.value, :SUMS] = sums


def _sum_blocks(*arguments: Any, BLOCK: int) -> None:
    from mesh_reloc_ros.kernels.gpu import layout

    *points, pixels, usable, level, state, figures, _, block_size, blocks, width, height, mask = (
        arguments
    )
    live = _live(pixels, usable, level, width, height, mask)
    poses, exposures = _solved(state)
    scale, into = _states(state)[0, layout.SCALE.value], figures.numpy()
    sum_blocks(
        _template(tuple(points), block_size),
        live,
        poses,
        exposures,
        scale,
        into.reshape(-1, blocks, FIGURES),
    )


def _correlate(*arguments: Any) -> None:
    points, colours, weights, pixels, usable, level, state, found, _, width, height, mask = (
        arguments
    )
    no_gradients = colours.unsqueeze(-1).expand(*colours.shape, 2).contiguous()
    template = _template((points, colours, no_gradients, weights), 1)
    live = _live(pixels, usable, level, width, height, mask)
    found.numpy()[:] = block_correlations(template, live, *_solved(state))


def _halve(
    image: Tensor,
    smaller: Tensor,
    width: int,
    smaller_width: int,
    count: int,
    IS_MASK: int,
    BLOCK: int,
) -> None:
    rows, columns = smaller.shape[:2]
    even = image.numpy()[: 2 * rows, : 2 * columns]
    if IS_MASK:
        smaller.numpy()[:] = even[::2, ::2] & even[1::2, ::2] & even[::2, 1::2] & even[1::2, 1::2]
    else:
        smaller.numpy()[:] = cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA)


COMPILED: dict[str, Callable[..., None]] = {
    'accumulate': _accumulate,
    'sum_blocks': _sum_blocks,
    'correlate': _correlate,
    'halve': _halve,
}
"""By the name of the kernel, with its arguments."""
