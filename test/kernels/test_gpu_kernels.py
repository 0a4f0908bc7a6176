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
from mesh_reloc_ros.kernels import se3
from mesh_reloc_ros.kernels.gpu import layout
from mesh_reloc_ros.kernels.gpu.levenberg_marquardt import FIRST, advance
from mesh_reloc_ros.kernels.gpu.normal_equations import accumulate
from mesh_reloc_ros.kernels.layout import COLUMNS, SUMS, UNKNOWNS
from mesh_reloc_ros.kernels.normal_equations import accumulate as accumulate_on_cpu
from mesh_reloc_ros.kernels.photometric import render_of

SCALE = 0.12


def at(state, place, values):
    state[:, place.value : place.value + values.shape[-1]] = values


@pytest.mark.parametrize('count', [70, 203])
@pytest.mark.parametrize('has_mask', [False, True])
def test_the_system_is_that_of_the_cpu(count, has_mask):
    """With points behind the camera, outside the image, on unusable and on saturated pixels."""
    surface, live, poses, exposure, scale = random_problem(seed=count, batch=2, count=count)
    image = np.where(live.image > 200, 255, live.image)
    usable = (np.indices(image.shape[:2]).sum(0) % 17 > 0).astype(np.uint8) if has_mask else None
    live = replace(live, image=image, usable=usable)
    batch, blocks = len(poses), -(-count // surface.block_size)
    camera = live.camera
    state = torch.zeros(batch, layout.STATE_SIZE.value, dtype=torch.float64)
    at(state, layout.TRIAL, poses.reshape(batch, 16))
    at(state, layout.TRIAL_EXPOSURE, exposure.double())
    state[:, layout.SCALE.value] = scale
    level = torch.tensor([camera.fx, camera.fy, camera.cx, camera.cy, 0, 0], dtype=torch.float64)
    systems = torch.full((batch, blocks, layout.WIDTH.value, layout.WIDTH.value), np.nan).double()
    pixels = torch.from_numpy(image)
    arrays = (surface.points, surface.colours, surface.gradients, surface.weights)
    accumulate[(blocks, batch)](
        *map(torch.from_numpy, arrays),
        pixels,
        torch.from_numpy(usable) if has_mask else pixels,
        level,
        state,
        systems,
        count,
        surface.block_size,
        blocks,
        camera.width,
        camera.height,
        int(has_mask),
        BLOCK=32,
    )
    found = systems.sum(1).numpy()
    for b in range(batch):
        system, sums = np.zeros((UNKNOWNS, COLUMNS)), np.zeros(SUMS)
        of_b = poses[b].numpy(), exposure[b].double().numpy()
        accumulate_on_cpu(render_of(surface.template, b), live.live, *of_b, scale, system, sums)
        limit = 1e-5 * np.abs(system).max()
        np.testing.assert_allclose(found[b, :UNKNOWNS, :COLUMNS], system, atol=limit)
        of_sums = found[b, layout.ROW_OF_SUMS.value, :SUMS]
        np.testing.assert_allclose(of_sums, sums, rtol=1e-4, atol=1e-4)
        assert 0 < sums[3] < surface.weights[b].sum()
        assert sums[5] > 0 or not has_mask


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
    numbers = 1, 5, 1e-3, 1e9, 0.6, 1.02, -3.0, 0.5, 0.0, 1.0, 0.9
    advance[(1,)](system, state, torch.ones(1, 6).double(), *numbers, MODE=FIRST)
    trial = state[0, layout.TRIAL.value :][:16].reshape(4, 4).numpy()
    np.testing.assert_allclose(trial, se3.exp(twist), atol=1e-10)


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from mesh_reloc_ros.kernels.gpu.levenberg_marquardt import advance, begin
from mesh_reloc_ros.kernels.gpu.normal_equations import accumulate

def compiled(kernel, types, **constants):
    names = [name for name in kernel.arg_names if name not in constants]
    signature = dict(zip(names, types, strict=True)) | dict.fromkeys(constants, 'constexpr')
    target = GPUTarget('cuda', 80, 32)
    return triton.compile(ASTSource(kernel, signature, constants), target).asm['cubin']

points, numbers = ['*fp32'] * 4, ['*fp64'] * 3
assert compiled(accumulate, [*points, '*u8', '*u8', *numbers, *['i32'] * 6], BLOCK=64)
for mode in range(4):
    assert compiled(advance, [*numbers, 'i32', 'i32', *['fp32'] * 9], MODE=mode)
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
