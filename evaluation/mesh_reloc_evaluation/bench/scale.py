"""How time and memory of `lm` grow with the mesh and with the image."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from mesh_reloc_evaluation.bench.measure import measured
from mesh_reloc_evaluation.bench.methods import Pose, run_lm
from mesh_reloc_evaluation.bench.metrics import summarize_run
from mesh_reloc_evaluation.bench.refine import refined
from mesh_reloc_evaluation.obj_file import write_obj
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.resize import resized
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import show_progress
from mesh_reloc_ros.render.scene import Scene

FACES = (200_000, 1_000_000, 2_000_000)
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
_IMAGES_PER_SIZE = 60


def measure_scale(
    mesh: Path, scene: Scene, settings: Settings, sequence: PosedSequence, start: Pose
) -> dict[str, Any]:
    """Return metrics by number of faces, starting with the mesh itself, and by image size."""
    faces = [
        _measure_mesh(path, scene.device, settings, sequence, start)
        for path in _mesh_files(mesh, scene.mesh)
    ]
    sizes = []
    for width, height in SIZES:
        frames = [resized(frame, width, height) for frame in sequence.frames[:_IMAGES_PER_SIZE]]
        part = PosedSequence(frames, sequence.poses[:_IMAGES_PER_SIZE])
        metrics = _track(scene, settings, part, start, f'lm, {width}x{height}')
        sizes.append({'width': width, 'height': height, **metrics})
    return {'faces': faces, 'sizes': sizes}


def _measure_mesh(
    path: Path, device: torch.device, settings: Settings, sequence: PosedSequence, start: Pose
) -> dict[str, Any]:
    print(f'loading {path.name} ({path.stat().st_size / 1e6:.0f} MB)', flush=True)
    with measured(device) as cost:
        begin = time.perf_counter()
        progress = show_progress(sys.stdout)
        scene = Scene.load(path, settings.device, settings.rasterizer, progress, use_cache=False)
        load_s = time.perf_counter() - begin
    faces = len(scene.mesh.faces)
    return {
        'faces': faces,
        'load_s': load_s,
        'load_memory_mib': cost.memory_mib,
        **_track(scene, settings, sequence, start, f'lm, {faces} faces'),
    }


def _track(
    scene: Scene, settings: Settings, sequence: PosedSequence, start: Pose, label: str
) -> dict[str, Any]:
    run = run_lm(scene, settings, sequence, start, label)
    return {**summarize_run(run, sequence.truth), 'latencies_ms': run.latencies_ms}


def _mesh_files(path: Path, mesh: TexturedMesh) -> Iterator[Path]:
    """Yield the file of the mesh, then files of finer versions; each exists until the next."""
    yield path
    for faces in FACES:
        if faces <= len(mesh.faces):
            continue
        with tempfile.TemporaryDirectory(prefix='mesh_reloc_') as folder:
            finer = Path(folder) / f'{faces}_faces.obj'
            print(f'writing {finer.name}', flush=True)
            write_obj(finer, refined(mesh, faces))
            yield finer
