"""The steps of `kernels.levenberg_marquardt`, one program for each alignment."""

from __future__ import annotations

import triton
import triton.language as tl

from mesh_reloc_ros.kernels import exposure as model
from mesh_reloc_ros.kernels import layout
from mesh_reloc_ros.kernels import levenberg_marquardt as on_cpu
from mesh_reloc_ros.kernels.gpu.layout import (
    ALL_ITERATIONS,
    DAMPING,
    DONE,
    EXPOSURE,
    FEWEST_SEEN,
    ITERATIONS,
    LEAST_SCALE,
    LOSS,
    MOVED,
    MOVED_PX,
    PLAIN,
    POSE,
    POSE_SIZE,
    ROBUST_SCALE,
    ROW_OF_SUMS,
    SCALE,
    STATE_SIZE,
    STEP,
    SYSTEM,
    SYSTEM_SIZE,
    TRIAL,
    TRIAL_EXPOSURE,
    UNKNOWNS,
    WIDTH,
)
from mesh_reloc_ros.kernels.gpu.se3 import exp, product

_CHANNELS = tl.constexpr(layout.CHANNELS)
_LOSS, _SEEN = tl.constexpr(layout.LOSS), tl.constexpr(layout.SEEN)
_GAIN_SIGMA, _OFFSET_SIGMA = (tl.constexpr(float(model.SIGMA[i])) for i in (0, layout.CHANNELS))
_FIRST_DAMPING = tl.constexpr(on_cpu.FIRST_DAMPING)
_LEAST_DAMPING, _MOST_DAMPING = (
    tl.constexpr(limit) for limit in (on_cpu.LEAST_DAMPING, on_cpu.MOST_DAMPING)
)

# What `advance` makes of the system of a trial.
FIRST, STEPPED = tl.constexpr(0), tl.constexpr(1)
"""FIRST: it is that of the start. STEPPED: the step is taken, or undone."""


@triton.jit(do_not_specialize=['batch'], do_not_specialize_on_alignment=['state', 'level'])
def begin(state, level, largest_gain, batch):
    """Begin a level at the pose so far. The robust scale grows with the gain of the image.

    :param state: [B, STATE_SIZE] float64. :param level: [LEVEL_SIZE] float64.
    """
    own = state + tl.program_id(0) * STATE_SIZE
    gain = tl.load(own + EXPOSURE) * 0
    for other in range(batch):
        for c in tl.static_range(_CHANNELS):
            gain += tl.load(state + other * STATE_SIZE + EXPOSURE + c)
    gain = tl.minimum(tl.maximum(gain / (batch * _CHANNELS), 1.0), largest_gain)
    scale = tl.maximum(gain * tl.load(level + ROBUST_SCALE), tl.load(level + LEAST_SCALE))
    tl.store(own + SCALE, scale)
    tl.store(own + DONE, 0.0)
    place = tl.arange(0, WIDTH)
    tl.store(own + TRIAL + place, tl.load(own + POSE + place))
    is_exposure = place < UNKNOWNS - POSE_SIZE
    exposure = tl.load(own + EXPOSURE + place, mask=is_exposure)
    tl.store(own + TRIAL_EXPOSURE + place, exposure, mask=is_exposure)


@triton.jit(
    do_not_specialize=['blocks', 'max_iterations'],
    do_not_specialize_on_alignment=['systems', 'state', 'pixels_per_step'],
)
def advance(
    systems,
    state,
    pixels_per_step,
    blocks,
    max_iterations,
    small_px,
    largest_px,
    min_seen,
    max_rise,
    least_factor,
    most_factor,
    start_weight,
    MODE: tl.constexpr,
):
    """Take in the system of the trial, and set the next trial; see `SolverOptions`.

    :param systems: [B, blocks, SYSTEM_SIZE] float64, of the trial. :param state: [B, STATE_SIZE].
    :param pixels_per_step: [B, 6] float64.
    """
    alignment = tl.program_id(0)
    own, per_step = state + alignment * STATE_SIZE, pixels_per_step + alignment * POSE_SIZE
    if tl.load(own + DONE) == 0:
        place = tl.arange(0, WIDTH)
        row, column = place[:, None], place[None, :]
        within = row * WIDTH + column
        new = tl.zeros((WIDTH, WIDTH), tl.float64)
        for block in range(blocks):
            new += tl.load(systems + (alignment * blocks + block) * SYSTEM_SIZE + within)
        matrix = tl.arange(0, 4)[:, None] * 4 + tl.arange(0, 4)[None, :]
        trial, pose = tl.load(own + TRIAL + matrix), tl.load(own + POSE + matrix)
        loss, seen, iterations = _mean_loss(new), _sum(new, _SEEN), tl.load(own + ITERATIONS)
        is_better = loss == loss
        if MODE == STEPPED:
            is_better = loss < max_rise * tl.load(own + LOSS)
            is_better &= seen > tl.load(own + FEWEST_SEEN)
        is_pose, is_exposure = place < POSE_SIZE, (place >= POSE_SIZE) & (place < UNKNOWNS)
        exposure = tl.load(own + EXPOSURE + place - POSE_SIZE, mask=is_exposure, other=0.0)
        tried = tl.load(own + TRIAL_EXPOSURE + place - POSE_SIZE, mask=is_exposure, other=0.0)
        system = new
        if MODE == STEPPED:
            system = tl.where(is_better, new, tl.load(own + SYSTEM + within))
            pose, exposure = tl.where(is_better, trial, pose), tl.where(is_better, tried, exposure)
        else:
            pose, exposure = trial, tried
        plain = tl.load(own + PLAIN + place, mask=place < UNKNOWNS, other=0.0)
        step = tl.load(own + STEP + place, mask=place < UNKNOWNS, other=0.0)
        moved = tl.load(own + MOVED + place, mask=is_pose, other=0.0)
        damping = tl.load(own + DAMPING)
        mixes = is_better
        if MODE == STEPPED:
            moved += tl.where(is_better, step, 0.0)
            damping = tl.where(
                is_better,
                tl.maximum(damping * 0.1, _LEAST_DAMPING),
                tl.minimum(damping * 10, _MOST_DAMPING),
            )
            is_last = (iterations >= max_iterations) | ~(tl.load(own + MOVED_PX) > small_px)
        else:
            moved, damping, iterations = moved * 0, damping * 0 + _FIRST_DAMPING, iterations * 0
            mixes, is_last = is_better & (loss != loss), iterations >= max_iterations
            tl.store(own + FEWEST_SEEN, min_seen * _sum(system, _SEEN))
        scale, weights = tl.load(own + SCALE), tl.load(per_step + place, mask=is_pose, other=1.0)
        start = tl.where(is_pose, start_weight * _start_information(system, weights), 0.0)
        next_plain = _damped_step(system, exposure, damping, scale, moved, start)
        mixed = _mixed_step(next_plain, plain, step, weights, least_factor, most_factor)
        next_step = tl.where(mixes, mixed, next_plain)
        moved_px = tl.sum(tl.where(is_pose, tl.abs(next_step) * weights, 0.0))
        limited = largest_px / tl.where(moved_px > 0, moved_px, 1.0)
        next_step = tl.where(moved_px > largest_px, next_step * limited, next_step)
        next_trial = product(exp(next_step), pose)
        tl.store(own + SYSTEM + within, system)
        tl.store(own + LOSS, _mean_loss(system))
        tl.store(own + POSE + matrix, pose)
        tl.store(own + EXPOSURE + place - POSE_SIZE, exposure, mask=is_exposure)
        tl.store(own + DAMPING, damping)
        tl.store(own + MOVED + place, moved, mask=is_pose)
        tl.store(own + PLAIN + place, next_plain, mask=place < UNKNOWNS)
        tl.store(own + STEP + place, next_step, mask=place < UNKNOWNS)
        tl.store(own + MOVED_PX, moved_px)
        tl.store(own + TRIAL + matrix, next_trial)
        next_exposure = exposure + next_step
        tl.store(own + TRIAL_EXPOSURE + place - POSE_SIZE, next_exposure, mask=is_exposure)
        tl.store(own + DONE, tl.where(is_last, 1.0, 0.0))
        steps = tl.where(is_last, 0.0, 1.0)
        tl.store(own + ITERATIONS, iterations + steps)
        tl.store(own + ALL_ITERATIONS, tl.load(own + ALL_ITERATIONS) + steps)


@triton.jit
def _sum(system, number: tl.constexpr):
    row, column = tl.arange(0, WIDTH)[:, None], tl.arange(0, WIDTH)[None, :]
    return tl.sum(tl.where((row == ROW_OF_SUMS) & (column == number), system, 0.0))


@triton.jit
def _mean_loss(system):
    return _sum(system, _LOSS) / tl.maximum(_sum(system, _SEEN) * _CHANNELS, 1e-9)


@triton.jit
def _start_information(system, weights):
    place = tl.arange(0, WIDTH)
    diagonal = tl.sum(tl.where(place[:, None] == place[None, :], system, 0.0), axis=1)
    squared = weights * weights
    per_px = tl.sum(tl.where(place < POSE_SIZE, diagonal / squared / POSE_SIZE, 0.0))
    return per_px * squared


@triton.jit
def _damped_step(system, exposure, damping, scale, moved, start):
    """Return the damped step by elimination; zeros if it is undetermined."""
    place = tl.arange(0, WIDTH)
    row, column = place[:, None], place[None, :]
    is_exposure = (place >= POSE_SIZE) & (place < UNKNOWNS)
    is_gain = place < POSE_SIZE + _CHANNELS
    sigma, neutral = tl.where(is_gain, _GAIN_SIGMA, _OFFSET_SIGMA), tl.where(is_gain, 1.0, 0.0)
    prior = tl.where(is_exposure, (scale / sigma) * (scale / sigma), 0.0)
    pull = start * moved + prior * (exposure - neutral)
    extra = start + prior + 1e-9
    matrix = system + tl.where(row == column, system * damping + extra[:, None], 0.0)
    matrix = tl.where(column == UNKNOWNS, -system - pull[:, None], matrix)
    undetermined = scale * 0
    for k in range(UNKNOWNS):
        pivots = tl.sum(tl.where(row == k, matrix, 0.0), axis=0)
        pivot = tl.sum(tl.where(place == k, pivots, 0.0))
        undetermined += tl.where(pivot > 0, 0.0, 1.0)
        factor = tl.sum(tl.where(column == k, matrix, 0.0), axis=1) / tl.where(
            pivot > 0, pivot, 1.0
        )
        factor = tl.where(place == k, 0.0, factor)
        matrix -= factor[:, None] * pivots[None, :]
    diagonal = tl.sum(tl.where(row == column, matrix, 0.0), axis=1)
    solution = tl.sum(tl.where(column == UNKNOWNS, matrix, 0.0), axis=1)
    is_unknown = place < UNKNOWNS
    step = tl.where(is_unknown, solution / tl.where(is_unknown, diagonal, 1.0), 0.0)
    return tl.where(undetermined > 0, 0.0, step)


@triton.jit
def _mixed_step(plain, last_plain, last_step, weights, least, most):
    """Return the step by Anderson acceleration of depth one."""
    is_pose = tl.arange(0, WIDTH) < POSE_SIZE
    change = tl.where(is_pose, (plain - last_plain) * weights, 0.0)
    along = tl.sum(plain * weights * change)
    factor = tl.minimum(tl.maximum(along / (tl.sum(change * change) + 1e-30), least), most)
    return plain - factor * (last_step + plain - last_plain)
