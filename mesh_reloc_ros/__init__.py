"""Real-time 6-DoF camera localization in a textured mesh: the public Python API.

`Pipeline.load(mesh)` loads a mesh, and `run` localizes the frames of a recording or any other
source. docs/python_api.md has examples.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mesh_reloc_ros.config.pipeline import Settings
    from mesh_reloc_ros.errors import InputError
    from mesh_reloc_ros.mesh_io.load import load_mesh
    from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
    from mesh_reloc_ros.overlay import draw_overlay
    from mesh_reloc_ros.pipeline import Pipeline
    from mesh_reloc_ros.recordings.open import open_recording
    from mesh_reloc_ros.render.scene import Scene
    from mesh_reloc_ros.types.camera import Camera
    from mesh_reloc_ros.types.estimate import PoseEstimate, Rejection, State
    from mesh_reloc_ros.types.frame import Frame
    from mesh_reloc_ros.types.trajectory import Trajectory
else:
    _MODULES = {
        'Camera': 'types.camera',
        'Frame': 'types.frame',
        'InputError': 'errors',
        'Pipeline': 'pipeline',
        'PoseEstimate': 'types.estimate',
        'Rejection': 'types.estimate',
        'Scene': 'render.scene',
        'Settings': 'config.pipeline',
        'State': 'types.estimate',
        'TexturedMesh': 'mesh_io.textured_mesh',
        'Trajectory': 'types.trajectory',
        'draw_overlay': 'overlay',
        'load_mesh': 'mesh_io.load',
        'open_recording': 'recordings.open',
    }

    def __getattr__(name: str) -> object:
        """Import a public name at its first use (PEP 562): torch takes seconds to import."""
        if name not in _MODULES:
            raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
        return getattr(importlib.import_module(f'{__name__}.{_MODULES[name]}'), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    'Camera',
    'Frame',
    'InputError',
    'Pipeline',
    'PoseEstimate',
    'Rejection',
    'Scene',
    'Settings',
    'State',
    'TexturedMesh',
    'Trajectory',
    'draw_overlay',
    'load_mesh',
    'open_recording',
]
