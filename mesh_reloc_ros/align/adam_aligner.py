"""Alignment by Adam through a differentiable render: slow, and the reference for the other.

Every step renders the scene and differentiates the image with respect to rotation (exponential
map), translation and exposure; the loss is the squared residual, clipped, over the mesh.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment, neutral_exposure
from mesh_reloc_ros.align.assessment import assess
from mesh_reloc_ros.align.keyframe import last_level, make_keyframe
from mesh_reloc_ros.align.lm import solve
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AdamSettings, AlignmentSettings
from mesh_reloc_ros.kernels.exposure import expose
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.stopwatch import stage
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera


class AdamAligner:
    """See `Aligner`."""

    knows_wide = False

    def __init__(
        self, scene: Scene, settings: AlignmentSettings, adam_settings: AdamSettings
    ) -> None:
        self._scene = scene
        self._settings = settings
        self._adam = adam_settings

    def align(
        self,
        image: NDArray[np.uint8],
        camera: Camera,
        map_T_camera: Tensor,
        exposure: Tensor | None,
        *,
        wide: bool,
        grey: bool = False,
    ) -> Alignment:
        """Align an RGB image [H, W, 3] from start poses [B, 4, 4]; see `Aligner`."""
        settings, device = self._settings, self._scene.device
        level = settings.finest_level
        finest = camera.at_level(level)
        poses = map_T_camera.double()
        exposure = neutral_exposure(len(poses)) if exposure is None else exposure
        with stage('pyramid'):
            last = last_level(camera, level, level, settings.max_points)
            pyramid = image_pyramid(image, camera, last)
        with stage('solve'):
            target = torch.from_numpy(pyramid[level].image).to(device).float() / 255
            poses, exposure, iterations = self._minimise(
                target, finest, poses.to(device), exposure.to(device), grey
            )
            poses, exposure = poses.cpu(), exposure.cpu()
        with stage('assess'):
            points = settings.max_points
            keyframe = make_keyframe(self._scene, poses, camera, level, level, points, grey=grey)
            # No step is taken: this only judges the pose as the other solver's is judged.
            still = torch.eye(4, dtype=torch.float64).repeat(len(poses), 1, 1)
            options = SolverOptions(settings.robust_scale, max_iterations=0, small_px=0.0)
            surface = keyframe.levels[0].surface
            solution = solve(surface, pyramid[level], still, exposure, options)
            solution = dataclasses.replace(solution, iterations=iterations)
            return assess(keyframe, pyramid, solution, settings.map_error_scale)

    def look_ahead(self, camera: Camera, map_T_camera: Tensor, grey: bool = False) -> None:
        """Do nothing: every step renders anew."""

    def _minimise(
        self, image: Tensor, camera: Camera, start: Tensor, exposure: Tensor, grey: bool
    ) -> tuple[Tensor, Tensor, int]:
        """Return poses [B, 4, 4], exposure [B, 6] of the lowest loss seen, and the steps taken."""
        settings = self._adam
        motion = torch.zeros(len(start), 6, dtype=torch.float64, device=start.device)
        unknowns = [motion.requires_grad_(), exposure.clone().requires_grad_()]
        optimizer = torch.optim.Adam(unknowns, lr=settings.learning_rate)
        best_loss, best_step, best = float('inf'), 0, (start, exposure)
        for step in range(settings.iterations):
            poses = _moved(start, motion)
            loss = self._loss(image, camera, poses, unknowns[1], grey)
            value = float(loss.detach())
            if value < best_loss - settings.min_gain:
                best_step = step
            if value < best_loss:
                best_loss, best = value, (poses.detach(), unknowns[1].detach().clone())
            if step - best_step >= settings.patience:
                break
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return *best, step + 1

    def _loss(
        self, image: Tensor, camera: Camera, poses: Tensor, exposure: Tensor, grey: bool
    ) -> Tensor:
        """Return the clipped squared residual, averaged over the pixels that show mesh."""
        render = self._scene.render(poses, camera, grey=grey)
        parameters, colours = exposure.T[..., None, None], render.colour.unbind(-1)
        exposed = [expose(parameters, colour, c) for c, colour in enumerate(colours)]
        squared = (torch.stack(exposed, -1) - image).square()
        clipped = squared.clamp(max=self._adam.clip**2).mean(-1) * render.mask
        return (clipped.sum((1, 2)) / render.mask.sum((1, 2)).clamp(min=1)).sum()


def _moved(start: Tensor, motion: Tensor) -> Tensor:
    """Return poses [B, 4, 4] turned by rotation vectors and shifted in the camera's frame."""
    turn = se3.so3_exp(motion[:, 3:])
    return start @ se3.from_rotation_translation(turn, motion[:, :3])
