"""`mesh_reloc compile`: compile what is compiled when it is first used, so that no start waits."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.kernels.compile import CACHE_FOLDER, compilation_shown
from mesh_reloc_ros.kernels.covariance import pose_covariances
from mesh_reloc_ros.kernels.layout import FIGURES, UNKNOWNS
from mesh_reloc_ros.kernels.map_error import MapError
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.process import use_one_core_per_operation
from mesh_reloc_ros.progress import show_progress
from mesh_reloc_ros.types.camera import Camera

SUMMARY = 'compile what the first start would compile, and keep it'

_CAMERA = Camera(width=160, height=120, fx=150.0, fy=150.0, cx=79.5, cy=59.5)
# A corner of a room, one square for each plane, of 2 m.
_OBJ = """\
mtllib corner.mtl
v 0 0 0
v 2 0 0
v 0 2 0
v 0 0 2
v 2 2 0
v 0 2 2
v 2 0 2
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl noise
f 1/1 2/2 5/3 3/4
f 1/1 3/2 6/3 4/4
f 1/1 4/2 7/3 2/4
"""
_MTL = 'newmtl noise\nmap_Kd noise.png\n'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mesh_reloc compile`: none."""


def run(_: argparse.Namespace) -> int:
    """Compile on two cores."""
    use_one_core_per_operation()
    begin = time.monotonic()
    # Half of the time is spent on the covariance alone.
    helper = get_context('spawn').Process(target=_compile_covariance)
    helper.start()
    with compilation_shown(show_progress(sys.stderr)):
        _compile_others()
        helper.join()
        _compile_covariance()
    print(f'compiled in {time.monotonic() - begin:.0f} s, kept in {CACHE_FOLDER}')
    return 0


def _compile_covariance() -> None:
    blank = np.zeros((_CAMERA.height, _CAMERA.width, 3), np.uint8)
    unknown = np.full((1, UNKNOWNS + 1, UNKNOWNS + 1), np.nan)
    pose_covariances(
        unknown[:, :UNKNOWNS, :UNKNOWNS],
        np.zeros((1, 1, FIGURES)),
        np.ones(1),
        image_pyramid(blank, _CAMERA)[0].live,
        MapError(0.0, 0.0),
    )


def _compile_others() -> None:
    """Do all that a node does, with a small mesh."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        mesh = Path(folder) / 'corner.obj'
        mesh.write_text(_OBJ)
        mesh.with_suffix('.mtl').write_text(_MTL)
        Image.fromarray(noise).resize((256, 256)).save(mesh.with_name('noise.png'))
        # As few views as possible: what they are made with is compiled for one as for a thousand.
        few = RelocalizationSettings(viewpoint_spacing=1.0, max_memory=1.0)
        with Pipeline.load(mesh, Settings(relocalization=few)) as pipeline:
            pipeline.warm_up()
            pipeline.prepare(_CAMERA)
