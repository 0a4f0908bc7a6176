"""How time and memory of `lm` grow with the mesh and with the image."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mesh_reloc_evaluation.bench.measure import measured
from mesh_reloc_evaluation.bench.methods import run_lm
from mesh_reloc_evaluation.bench.metrics import figures_of
from mesh_reloc_evaluation.bench.refine import refined, write_obj
from mesh_reloc_evaluation.posed_sequence import Clip
from mesh_reloc_evaluation.resize import resampled
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import show_progress
from mesh_reloc_ros.render.scene import Scene

FACES = (200_000, 1_000_000, 2_000_000)
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
_IMAGES_BY_SIZE = 60


def scale_figures(mesh: Path, scene: Scene, settings: Settings, clip: Clip) -> dict[str, Any]:
    """Return figures by number of faces, the mesh itself first, and by size of the image."""
    by_faces = []
    for path in _mesh_files(mesh, scene.mesh):
        print(f'loading {path.name} ({path.stat().st_size / 1e6:.0f} MB)', flush=True)
        with measured(scene.device) as cost:
            begin = time.perf_counter()
            progress = show_progress(sys.stdout)
            loaded = Scene.load(path, settings.device, settings.rasterizer, progress)
            load_s = time.perf_counter() - begin
        faces = len(loaded.mesh.faces)
        by_faces.append(
            {
                'faces': faces,
                'load_s': load_s,
                'load_memory_mib': cost.memory_mib,
                **_tracked(loaded, settings, clip, f'lm, {faces} faces'),
            }
        )
    by_size = []
    for width, height in SIZES:
        few = clip.frames[:_IMAGES_BY_SIZE]
        frames = [resampled(frame, width, height) for frame in few]
        figures = _tracked(scene, settings, replace(clip, frames=frames), f'lm, {width}x{height}')
        by_size.append({'width': width, 'height': height, **figures})
    return {'faces': by_faces, 'sizes': by_size}


def _tracked(scene: Scene, settings: Settings, clip: Clip, label: str) -> dict[str, Any]:
    run = run_lm(scene, settings, clip, label)
    return {**figures_of(run, clip.truth), 'latencies_ms': run.latencies_ms}


def _mesh_files(path: Path, mesh: TexturedMesh) -> Iterator[Path]:
    """Yield the mesh's file, then those of finer versions of it, each there until the next."""
    yield path
    for faces in FACES:
        if faces <= len(mesh.faces):
            continue
        with tempfile.TemporaryDirectory(prefix='mesh_reloc_') as folder:
            finer = Path(folder) / f'{faces}_faces.obj'
            print(f'writing {finer.name}', flush=True)
            write_obj(finer, refined(mesh, faces))
            yield finer
