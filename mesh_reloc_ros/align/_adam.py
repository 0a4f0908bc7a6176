"""Alignment by Adam through a differentiable render: slow, and the reference for `align_lm`.

Every step renders the scene and differentiates the image with respect to rotation (exponential
map), translation and exposure; the loss is the squared residual, clipped, over the mesh.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mesh_reloc_ros.align._assessment import assess
from mesh_reloc_ros.align.alignment import Alignment, neutral_exposure
from mesh_reloc_ros.align.keyframe import make_keyframe
from mesh_reloc_ros.align.lm import solve
from mesh_reloc_ros.align.pyramid import ImageLevel
from mesh_reloc_ros.config.alignment import AdamSettings, AlignmentSettings
from mesh_reloc_ros.kernels.exposure import expose
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.stopwatch import stage
from mesh_reloc_ros.types import se3


def align_adam(
    scene: Scene,
    pyramid: Sequence[ImageLevel],
    map_T_camera: Tensor,
    exposure: Tensor | None,
    settings: AlignmentSettings,
    adam: AdamSettings,
    *,
    grey: bool = False,
) -> Alignment:
    """Move start poses to where the render agrees with the image; see `align_lm`."""
    level, camera, poses = settings.finest_level, pyramid[0].camera, map_T_camera.double()
    exposure = neutral_exposure(len(poses)) if exposure is None else exposure
    target = torch.from_numpy(pyramid[level].image).to(scene.device).float() / 255

    def loss(poses: Tensor, exposure: Tensor) -> Tensor:
        """Return the clipped squared residual, averaged over the pixels that show the mesh."""
        render = scene.render(poses, pyramid[level].camera, grey=grey)
        parameters, colours = exposure.T[..., None, None], render.colour.unbind(-1)
        exposed = [expose(parameters, colour, c) for c, colour in enumerate(colours)]
        squared = (torch.stack(exposed, -1) - target).square()
        clipped = squared.clamp(max=adam.clip**2).mean(-1) * render.mask
        return (clipped.sum((1, 2)) / render.mask.sum((1, 2)).clamp(min=1)).sum()

    with stage('solve'):
        poses, exposure, iterations = _minimise(
            loss, poses.to(scene.device), exposure.to(scene.device), adam
        )
    with stage('assess'):
        points = settings.max_points
        keyframe = make_keyframe(scene, poses, camera, level, level, points, grey=grey)
        # No steps: this evaluates the pose, as that of the other solver is evaluated.
        still = torch.eye(4, dtype=torch.float64).repeat(len(poses), 1, 1)
        options = SolverOptions(settings.robust_scale, max_iterations=0, small_px=0.0)
        solution = solve(keyframe.levels[0].surface, pyramid[level], still, exposure, options)
        solution = dataclasses.replace(solution, iterations=iterations)
        return assess(keyframe, pyramid, solution, settings.map_error_scale)


def _minimise(
    loss_of: Callable[[Tensor, Tensor], Tensor], start: Tensor, exposure: Tensor, adam: AdamSettings
) -> tuple[Tensor, Tensor, int]:
    """Return poses [B, 4, 4] and exposure [B, 6] of the lowest loss, and the number of steps.

    Poses and exposure are on the CPU.
    """
    motion = torch.zeros(len(start), 6, dtype=torch.float64, device=start.device)
    unknowns = [motion.requires_grad_(), exposure.clone().requires_grad_()]
    optimizer = torch.optim.Adam(unknowns, lr=adam.learning_rate)
    best_loss, best_step, best = float('inf'), 0, (start, exposure)
    for step in range(adam.iterations):
        poses = _moved(start, motion)
        loss = loss_of(poses, unknowns[1])
        value = float(loss.detach())
        if value < best_loss - adam.min_gain:
            best_step = step
        if value < best_loss:
            best_loss, best = value, (poses.detach(), unknowns[1].detach().clone())
        if step - best_step >= adam.patience:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    poses, exposure = best
    return poses.cpu(), exposure.cpu(), step + 1


def _moved(start: Tensor, motion: Tensor) -> Tensor:
    """Return poses [B, 4, 4] turned by rotation vectors and shifted in the camera's frame."""
    turn = se3.so3_exp(motion[:, 3:])
    return start @ se3.from_rotation_translation(turn, motion[:, :3])
