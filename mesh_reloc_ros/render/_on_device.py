"""The parts of a scene that lie on a device, and which device that is."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.graphs import Offload, Repeater, first_line
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import Progress
from mesh_reloc_ros.render._prepared_mesh import PreparedMesh
from mesh_reloc_ros.render._shading import Shader
from mesh_reloc_ros.render.rasterizer import Rasterizer, make_rasterizer

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OnDevice:
    """What a scene has on a device."""

    device: torch.device
    rasterizer: Rasterizer
    shader: Shader
    hides: Tensor | None
    """[F] bool, faces that only hide; None if there are none."""
    repeater: Repeater
    solving: Offload | None
    """None on the CPU."""


def choose_device(name: str) -> torch.device:
    """Return the device of `auto`, `cpu` or `cuda`. Auto says in the log why a GPU is not used.

    :raises InputError: `cuda` is requested and PyTorch finds no usable GPU.
    """
    if name == 'cpu':
        return torch.device('cpu')
    # PyTorch warns of a driver that is too old.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        if torch.cuda.is_available():
            return torch.device('cuda')
    reason = next((str(one.message).split('.')[0].strip() for one in caught), '')
    if name == 'cuda':
        raise InputError(
            'device cuda: PyTorch finds no GPU; use device auto or cpu, or check the driver'
            + (f': {reason}' if reason else '')
        )
    if reason:
        _log.warning('the mesh is rendered on the CPU, the GPU cannot be used: %s', reason)
    return torch.device('cpu')


def put_on(
    device: torch.device,
    mesh: TexturedMesh,
    prepared: PreparedMesh,
    rasterizer: str,
    progress: Progress,
) -> OnDevice:
    """Put a mesh on a device, or on the CPU if the memory of the GPU is too small."""
    try:
        return _put_on(device, mesh, prepared, rasterizer, progress)
    except torch.OutOfMemoryError as error:
        return on_cpu_instead(error, mesh, prepared, rasterizer, progress)


def on_cpu_instead(
    error: torch.OutOfMemoryError,
    mesh: TexturedMesh,
    prepared: PreparedMesh,
    rasterizer: str,
    progress: Progress,
) -> OnDevice:
    """Put a mesh on the CPU, and say why in the log."""
    _log.warning('the mesh is rendered on the CPU from now on: %s', first_line(error))
    return _put_on(torch.device('cpu'), mesh, prepared, rasterizer, progress)


def _put_on(
    device: torch.device,
    mesh: TexturedMesh,
    prepared: PreparedMesh,
    rasterizer: str,
    progress: Progress,
) -> OnDevice:
    stage = f'building the rasterizer of {len(mesh.faces):,} faces'
    progress(stage, 0.0)
    made = make_rasterizer(rasterizer, mesh, device)
    progress(stage, 1.0)
    hides = torch.from_numpy(mesh.is_plain).to(device) if mesh.is_plain.any() else None
    return OnDevice(
        device,
        made,
        Shader(mesh, prepared, device),
        hides,
        Repeater(device, can_capture=made.name == 'pytorch3d'),
        Offload(device, 'the alignment') if device.type == 'cuda' else None,
    )
