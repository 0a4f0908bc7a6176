"""Images of real recordings, looked for without an initial pose."""

from pathlib import Path

import numpy as np

from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.relocalize.relocalizer import make_relocalizer
from mesh_reloc_ros.render.scene import Scene
from support.small_room import error


def errors_from_nothing(mesh: Path, bag: Path, truth: Path, every: int) -> np.ndarray:
    """Return how far every n-th image is found from its true pose [N, 2], metres and degrees.

    Infinity where an image is not found.
    """
    # Far fewer views than usual: they take less time, and it is harder to find an image by them.
    settings = RelocalizationSettings(max_memory=6.4)
    relocalizer = make_relocalizer(Scene.load(mesh), settings, AlignmentSettings(), mesh=None)
    with ImageBag(bag) as images:
        frames = list(images.frames())[::every]
    errors = []
    for frame, true in zip(frames, read_tum(truth).poses[::every], strict=True):
        found = relocalizer.locate(frame)
        errors.append((np.inf, np.inf) if found is None else error(found.pose, true))
    return np.array(errors)
