"""Real recordings, where they are at hand: found from nothing."""

from pathlib import Path

import numpy as np
import pytest
from support.small_room import error

from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.relocalize.relocalizer import make_relocalizer
from mesh_reloc_ros.render.scene import Scene


@pytest.mark.parametrize(
    ('name', 'bag', 'truth', 'every', 'metres'),
    [
        ('redkitchen', 'clip_bag', 'clip_groundtruth.tum', 25, 0.03),
        ('fountain', 'holdout_bag', 'holdout_groundtruth.tum', 1, 0.01),
    ],
)
def test_images_are_found_from_nothing(shared_data: Path, name, bag, truth, every, metres):
    folder = shared_data / name
    scene = Scene.load(folder / 'mesh.obj')
    # A third of the usual number, which takes less time.
    settings = RelocalizationSettings(max_viewpoints=1000)
    relocalizer = make_relocalizer(scene, settings, AlignmentSettings(), mesh=None)
    with ImageBag(folder / bag) as images:
        frames = list(images.frames())[::every]
    missed = []
    for number, (frame, true) in enumerate(
        zip(frames, read_tum(folder / truth).poses[::every], strict=True)
    ):
        found = relocalizer.locate(frame)
        off = (np.inf, np.inf) if found is None else error(found.pose, true)
        if not (off[0] < metres and off[1] < 1.0):
            missed.append((number, off))
    assert missed == []
