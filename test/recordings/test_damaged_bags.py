"""Bags with random damage are read as far as they go, or refused in one line."""

import resource

import numpy as np
import pytest
from support.mutations import PER_KIND, bag_seeds, mutated, write

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.bag import ImageBag

KINDS = ('mcap', 'sqlite', 'single')
TOPICS = ('/image', '/compressed')


@pytest.fixture(scope='module')
def seeds(tmp_path_factory):
    return bag_seeds(tmp_path_factory.mktemp('seeds'))


def read(path, topic):
    """Return the number of images, or why the bag was refused."""
    try:
        with ImageBag(path, topic, rectify=False) as bag:
            frames = list(bag.frames())
            bag.ground_truth()
    except InputError as error:
        return 0, str(error)
    assert all(f.image.shape == (f.camera.height, f.camera.width, 3) for f in frames)
    return len(frames), ''


@pytest.mark.parametrize('kind', KINDS)
def test_damaged_bags_are_read_or_refused(seeds, tmp_path, kind):
    files = seeds[kind]
    path = write(tmp_path, files)
    path = path if kind == 'single' else tmp_path
    for topic in TOPICS:
        assert read(path, topic) == (3, '')
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = 0
    for seed in range(PER_KIND):
        write(tmp_path, mutated(files, np.random.default_rng(seed)))
        count, complaint = read(path, TOPICS[seed % 2])
        assert count <= 3, seed
        assert '\n' not in complaint, seed
        refused += bool(complaint)
    assert refused
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000
