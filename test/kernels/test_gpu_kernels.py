"""The solver's kernels for a GPU, in Triton's interpreter, against the compiled ones of the CPU."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.photometric import random_problem

from mesh_reloc_ros.align.alignment import neutral_exposure
from mesh_reloc_ros.align.pyramid import image_pyramid, with_usable
from mesh_reloc_ros.kernels import se3
from mesh_reloc_ros.kernels.block_sums import sum_blocks as sum_blocks_on_cpu
from mesh_reloc_ros.kernels.gpu import layout
from mesh_reloc_ros.kernels.gpu.block_sums import sum_blocks
from mesh_reloc_ros.kernels.gpu.levenberg_marquardt import FIRST, advance
from mesh_reloc_ros.kernels.gpu.normal_equations import accumulate
from mesh_reloc_ros.kernels.gpu.pyramid import halve
from mesh_reloc_ros.kernels.gpu.score import correlate
from mesh_reloc_ros.kernels.layout import COLUMNS, FIGURES, SUMS, UNKNOWNS
from mesh_reloc_ros.kernels.normal_equations import accumulate as accumulate_on_cpu
from mesh_reloc_ros.kernels.photometric import render_of
from mesh_reloc_ros.kernels.score import block_correlations
from mesh_reloc_ros.types.camera import Camera

SCALE = 0.12


def at(state, place, values):
    state[:, place.value : place.value + values.shape[-1]] = values


class Problem:
    """Points and poses of a batch, and what the kernels take of them."""

    def __init__(self, count, has_mask):
        self.surface, live, self.poses, self.exposure, self.scale = random_problem(
            seed=count, batch=2, count=count
        )
        image = np.where(live.image > 200, 255, live.image)
        mask = (np.indices(image.shape[:2]).sum(0) % 17 > 0).astype(np.uint8) if has_mask else None
        self.level = live = replace(live, image=image, usable=mask)
        self.live, camera, batch = live.live, live.camera, len(self.poses)
        self.blocks = -(-count // self.surface.block_size)
        self.state = torch.zeros(batch, layout.STATE_SIZE.value, dtype=torch.float64)
        for pose, exposure in (
            (layout.TRIAL, layout.TRIAL_EXPOSURE),
            (layout.POSE, layout.EXPOSURE),
        ):
            at(self.state, pose, self.poses.reshape(batch, 16))
            at(self.state, exposure, self.exposure.double())
        self.state[:, layout.SCALE.value] = self.scale
        numbers = [camera.fx, camera.fy, camera.cx, camera.cy, 0, 0]
        pixels = torch.from_numpy(image)
        self.image = pixels, pixels if mask is None else torch.from_numpy(mask)
        self.numbers = torch.tensor(numbers, dtype=torch.float64)
        self.size = camera.width, camera.height, int(has_mask)

    def points(self, *names):
        return [torch.from_numpy(getattr(self.surface, name)) for name in names]

    def sum_up(self, kernel, into):
        """Run a kernel that sums up blocks of points."""
        surface, count = self.surface, self.surface.weights.shape[1]
        kernel[(self.blocks, len(self.poses))](
            *self.points('points', 'colours', 'gradients', 'weights'),
            *self.image,
            self.numbers,
            self.state,
            into,
            count,
            surface.block_size,
            self.blocks,
            *self.size,
            BLOCK=32,
        )

    def empty(self, *shape):
        return torch.full((len(self.poses), *shape), np.nan, dtype=torch.float64)


# With points behind the camera, outside the image, on unusable and on saturated pixels.
on_problems = pytest.mark.parametrize(('count', 'has_mask'), [(70, 0), (203, 1)])


@on_problems
def test_the_system_is_that_of_the_cpu(count, has_mask):
    problem = Problem(count, has_mask)
    systems = problem.empty(problem.blocks, layout.WIDTH.value, layout.WIDTH.value)
    problem.sum_up(accumulate, systems)
    found, surface = systems.sum(1).numpy(), problem.surface
    for b, pose in enumerate(problem.poses.numpy()):
        system, sums = np.zeros((UNKNOWNS, COLUMNS)), np.zeros(SUMS)
        exposure, render = problem.exposure[b].double().numpy(), render_of(surface.template, b)
        accumulate_on_cpu(render, problem.live, pose, exposure, problem.scale, system, sums)
        limit = 1e-5 * np.abs(system).max()
        np.testing.assert_allclose(found[b, :UNKNOWNS, :COLUMNS], system, atol=limit)
        of_sums = found[b, layout.ROW_OF_SUMS.value, :SUMS]
        np.testing.assert_allclose(of_sums, sums, rtol=1e-4, atol=1e-4)
        assert 0 < sums[3] < surface.weights[b].sum()
        assert sums[5] > 0 or not has_mask


@on_problems
def test_the_figures_of_blocks_are_those_of_the_cpu(count, has_mask):
    """What the covariance is made of; with a last block that is smaller."""
    problem = Problem(count, has_mask)
    found, expected = problem.empty(problem.blocks, FIGURES), problem.empty(problem.blocks, FIGURES)
    problem.sum_up(sum_blocks, found)
    sum_blocks_on_cpu(
        problem.surface.template,
        problem.live,
        problem.poses.numpy(),
        problem.exposure.double().numpy(),
        problem.scale,
        expected.numpy(),
    )
    for number in range(FIGURES):
        size = expected[..., number].abs().max()
        assert size > 0
        difference = (found - expected)[..., number].abs().max()
        assert difference < 1e-5 * size, number


@pytest.mark.parametrize('has_mask', [0, 1])
def test_the_correlations_of_blocks_are_those_of_the_cpu(has_mask):
    """Of an image whose sides are no multiples of a block, partly out of view."""
    width, height = 44, 27
    problem = Problem(width * height, has_mask)
    image = problem.image[0][:height, :width].contiguous()
    mask = problem.image[1][:height, :width].contiguous()
    rows, columns = np.indices((height, width)).reshape(2, -1)
    fx, fy, cx, cy = problem.numbers.numpy()[:4]
    rays = np.stack(((columns - cx) / fx, (rows - cy) / fy, np.ones(width * height)), axis=-1)
    points = (rays * (1 + problem.surface.points[..., 2:])).astype(np.float32)
    problem.surface = replace(problem.surface, points=points)
    live = problem.live._replace(pixels=image.numpy())
    live = live._replace(usable=mask.numpy()) if has_mask else live
    expected = block_correlations(
        problem.surface.template, live, problem.poses.numpy(), problem.exposure.double().numpy()
    )
    found = problem.empty(expected.shape[1])
    correlate[expected.shape[1], len(problem.poses)](
        *problem.points('points', 'colours', 'weights'),
        image,
        mask,
        problem.numbers,
        problem.state,
        found,
        width * height,
        width,
        height,
        has_mask,
    )
    assert 5 < (~np.isnan(expected)).sum() < expected.size - 5
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(('height', 'width'), [(60, 80), (45, 63)])
def test_levels_are_those_of_the_cpu(height, width):
    generator = np.random.default_rng(3)
    image = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = 255 * (generator.random((height, width)) > 0.1).astype(np.uint8)
    camera = Camera(width=width, height=height, fx=70.0, fy=70.0, cx=40.0, cy=30.0)
    expected = with_usable(image_pyramid(image, camera), mask)[1]
    for is_mask, larger, smaller in ((0, image, expected.image), (1, mask, expected.usable)):
        found = torch.zeros(smaller.shape, dtype=torch.uint8)
        numbers = width, smaller.shape[1], smaller.size
        halve[(-(-smaller.size // 256),)](
            torch.from_numpy(larger), found, *numbers, IS_MASK=is_mask, BLOCK=256
        )
        np.testing.assert_array_equal(found.numpy(), smaller)


@pytest.mark.parametrize('angle', [0.0, 1e-5, 9e-4, 0.3])
def test_a_step_is_the_exponential_of_its_twist(angle):
    """A system without points but with a gradient by hand: the step is known."""
    twist = np.array([0.01, -0.02, 0.03, *(angle * np.array([0.48, -0.6, 0.64]))])
    state = torch.zeros(1, layout.STATE_SIZE.value, dtype=torch.float64)
    at(state, layout.TRIAL, torch.eye(4).double().reshape(1, 16))
    at(state, layout.TRIAL_EXPOSURE, neutral_exposure(1).double())
    state[:, layout.SCALE.value] = SCALE
    system = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    system[0, 0, :UNKNOWNS, :UNKNOWNS] = 1e9 * torch.eye(UNKNOWNS)
    system[0, 0, :6, UNKNOWNS] = -1e9 * (1 + 1e-4) * torch.from_numpy(twist)
    numbers = 1, 5, 1e-3, 1e9, 0.6, 1.02, -3.0, 0.5, 0.0
    advance[(1,)](system, state, torch.ones(1, 6).double(), *numbers, MODE=FIRST)
    trial = state[0, layout.TRIAL.value :][:16].reshape(4, 4).numpy()
    np.testing.assert_allclose(trial, se3.exp(twist), atol=1e-10)


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from mesh_reloc_ros.kernels.gpu.block_sums import sum_blocks
from mesh_reloc_ros.kernels.gpu.levenberg_marquardt import advance, begin
from mesh_reloc_ros.kernels.gpu.normal_equations import accumulate
from mesh_reloc_ros.kernels.gpu.pyramid import halve
from mesh_reloc_ros.kernels.gpu.score import correlate

def compiled(kernel, types, **constants):
    names = [name for name in kernel.arg_names if name not in constants]
    signature = dict(zip(names, types, strict=True)) | dict.fromkeys(constants, 'constexpr')
    target = GPUTarget('cuda', 80, 32)
    return triton.compile(ASTSource(kernel, signature, constants), target).asm['cubin']

points, numbers = ['*fp32'] * 4, ['*fp64'] * 3
for kernel in (accumulate, sum_blocks):
    assert compiled(kernel, [*points, '*u8', '*u8', *numbers, *['i32'] * 6], BLOCK=64)
assert compiled(correlate, [*points[1:], '*u8', '*u8', *numbers, *['i32'] * 4])
for is_mask in (0, 1):
    assert compiled(halve, ['*u8', '*u8', *['i32'] * 3], IS_MASK=is_mask, BLOCK=1024)
for mode in range(2):
    assert compiled(advance, [*numbers, 'i32', 'i32', *['fp32'] * 7], MODE=mode)
assert compiled(begin, ['*fp64', '*fp64', 'fp32', 'i32'])
print('compiled')
"""


def test_the_kernels_compile_for_a_gpu():
    """In a process of its own, without the interpreter; no GPU is needed."""
    environment = {**os.environ, 'TRITON_INTERPRET': '0'}
    done = subprocess.run(
        [sys.executable, '-c', COMPILE],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == 'compiled', done.stderr[-2000:]
