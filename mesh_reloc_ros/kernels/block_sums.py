"""The figures of every block of points in one compiled pass, for the CPU.

It computes what `covariance.block_sums_by_tensors` does; see there and `covariance` for what they
mean. All in one module: numba keeps compiled functions on disk, and does not notice that one which
they call from another module has changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mesh_reloc_ros.kernels.compile import kernel

NEAR_M = 1e-2
_UNIT = 1 / 255
# What is summed up of a block: the gradient of its loss [12]; from RENDER on the products of the
# render's gradients along u and v [3]; from CURVATURE on those of gradients of render and live
# image, curved as the loss is [4]; from PLACE on weight by gradient, and with it place and nearness
# (1 / depth) [4].
FIGURES = 23
RENDER, CURVATURE, PLACE = 12, 15, 19


@kernel(fastmath=True)
def sum_blocks(
    points: Any,
    colours: Any,
    gradients: Any,
    weights: Any,
    block_size: int,
    image: Any,
    intrinsics: Any,
    delta: Any,
    exposure: Any,
    scale: float,
    block_prior: Any,
    blocks: Any,
) -> None:
    """Fill the figures [blocks, FIGURES] for one pose; see `covariance.block_sums_by_tensors`."""
    fx, fy, _, _ = intrinsics
    # Of the points of a block: place and weight [4], and by channel colour, error, share of the
    # weight that the loss leaves, and gradients of render and live image [7].
    places, values = np.empty((4, block_size)), np.empty((3, 7, block_size))
    x, y, nearness, weighed = places[0], places[1], places[2], places[3]
    eu, ev, energy = np.empty(block_size), np.empty(block_size), np.empty(block_size)
    blocks[:] = 0
    for number in range(len(blocks)):
        first = number * block_size
        last = min(first + block_size, len(points))
        count = _sample(
            points[first:last],
            colours[first:last],
            gradients[first:last],
            weights[first:last],
            image,
            intrinsics,
            delta,
            exposure,
            1.0 / scale,
            places,
            values,
        )
        figures = blocks[number]
        eu[:count], ev[:count], energy[:count] = 0, 0, 0
        for c in range(3):
            _add_channel(values[c], weighed, count, scale, block_prior, c, figures, eu, ev, energy)
        for n in range(count):
            u, v = fx * eu[n], fy * ev[n]
            figures[0] -= u * nearness[n]
            figures[1] -= v * nearness[n]
            figures[2] += (u * x[n] + v * y[n]) * nearness[n]
            figures[3] += u * x[n] * y[n] + v * (1 + y[n] * y[n])
            figures[4] -= u * (1 + x[n] * x[n]) + v * x[n] * y[n]
            figures[5] += u * y[n] - v * x[n]
            figures[PLACE] += energy[n]
            figures[PLACE + 1] += energy[n] * x[n]
            figures[PLACE + 2] += energy[n] * y[n]
            figures[PLACE + 3] += energy[n] * nearness[n]


@kernel(fastmath=True)
def _sample(
    points: Any,
    colours: Any,
    gradients: Any,
    weights: Any,
    image: Any,
    intrinsics: Any,
    delta: Any,
    exposure: Any,
    inverse_scale: float,
    places: Any,
    values: Any,
) -> int:
    """Fill places [4, N] and values [3, 7, N] of a block's points; return how many are seen."""
    fx, fy, cx, cy = intrinsics
    height, width = image.shape[:2]
    count = 0
    for i in range(len(points)):
        if not weights[i] > 0:
            continue
        px, py, pz = points[i, 0], points[i, 1], points[i, 2]
        x = delta[0, 0] * px + delta[0, 1] * py + delta[0, 2] * pz + delta[0, 3]
        y = delta[1, 0] * px + delta[1, 1] * py + delta[1, 2] * pz + delta[1, 3]
        z = delta[2, 0] * px + delta[2, 1] * py + delta[2, 2] * pz + delta[2, 3]
        if not z > NEAR_M:
            continue
        nearness = 1 / z
        x, y = x * nearness, y * nearness
        u, v = fx * x + cx, fy * y + cy
        if not (u >= 0 and v >= 0 and u < width - 1 and v < height - 1):
            continue
        u0, v0 = int(u), int(v)
        a, b = u - u0, v - v0
        for c in range(3):
            # No differences of pixels: they are of an unsigned type.
            c00, c10 = float(image[v0, u0, c]), float(image[v0, u0 + 1, c])
            c01, c11 = float(image[v0 + 1, u0, c]), float(image[v0 + 1, u0 + 1, c])
            top, bottom = c00 + a * (c10 - c00), c01 + a * (c11 - c01)
            error = exposure[c] * colours[i, c] + exposure[3 + c]
            error -= (top + b * (bottom - top)) * _UNIT
            scaled = error * inverse_scale
            values[c, 0, count] = colours[i, c]
            values[c, 1, count] = error
            values[c, 2, count] = 1.0 / (1.0 + scaled * scaled)
            values[c, 3, count] = exposure[c] * gradients[i, c, 0]
            values[c, 4, count] = exposure[c] * gradients[i, c, 1]
            values[c, 5, count] = ((1 - b) * (c10 - c00) + b * (c11 - c01)) * _UNIT
            values[c, 6, count] = (bottom - top) * _UNIT
        places[0, count], places[1, count], places[2, count] = x, y, nearness
        places[3, count] = weights[i]
        count += 1
    return count


@kernel(fastmath=True)
def _add_channel(
    values: Any,
    weights: Any,
    count: int,
    scale: float,
    block_prior: Any,
    channel: int,
    figures: Any,
    eu: Any,
    ev: Any,
    energy: Any,
) -> None:
    """Add a channel [7, N] to a block's figures, and what its points pull along u and v [N]."""
    template, error, root, gu, gv = values[0], values[1], values[2], values[3], values[4]
    lu, lv = values[5], values[6]
    gg = go = oo = eg = eo = ug = uo = vg = vo = 0.0
    for n in range(count):
        weight = weights[n] * root[n] * root[n]
        weighted = weight * template[n]
        gg += weighted * template[n]
        go += weighted
        oo += weight
        eg += weighted * error[n]
        eo += weight * error[n]
        ug += weighted * gu[n]
        uo += weight * gu[n]
        vg += weighted * gv[n]
        vo += weight * gv[n]
    gg, oo = gg + block_prior[0], oo + block_prior[1]
    determinant = gg * oo - go * go
    gain, offset = (oo * eg - go * eo) / determinant, (gg * eo - go * eg) / determinant
    u_gain, u_offset = (oo * ug - go * uo) / determinant, (gg * uo - go * ug) / determinant
    v_gain, v_offset = (oo * vg - go * vo) / determinant, (gg * vo - go * vg) / determinant
    # At the solution for gain and offset, this is what is left of their gradient.
    figures[6 + channel] = block_prior[0] * gain
    figures[9 + channel] = block_prior[1] * offset
    steepness = -4 / (scale * scale)
    uu = uv = vv = kuu = kuv = kvu = kvv = 0.0
    for n in range(count):
        rest = error[n] - gain * template[n] - offset
        weight = weights[n] * root[n] * root[n]
        # The derivative of weight times rest, where gain and offset go along.
        curved = weight * (1 + steepness * error[n] * rest * root[n])
        eu[n] += weight * rest * gu[n]
        ev[n] += weight * rest * gv[n]
        energy[n] += weight * (gu[n] * gu[n] + gv[n] * gv[n])
        # The gradients, as far as gain and offset do not explain them.
        ru = gu[n] - u_gain * template[n] - u_offset
        rv = gv[n] - v_gain * template[n] - v_offset
        uu += weight * ru * gu[n]
        uv += weight * ru * gv[n]
        vv += weight * rv * gv[n]
        kuu += curved * ru * lu[n]
        kuv += curved * ru * lv[n]
        kvu += curved * rv * lu[n]
        kvv += curved * rv * lv[n]
    figures[RENDER] += uu
    figures[RENDER + 1] += uv
    figures[RENDER + 2] += vv
    figures[CURVATURE] += kuu
    figures[CURVATURE + 1] += kuv
    figures[CURVATURE + 2] += kvu
    figures[CURVATURE + 3] += kvv
