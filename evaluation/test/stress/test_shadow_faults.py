"""Hard shadows: dark by as much as given, on the mesh, where they were before."""

import numpy as np
import pytest
import torch
from evaluation_support.sequences import room_sequence
from mesh_reloc_evaluation.stress import shadow_faults
from support.small_room import CAMERA

PATTERNS = [
    shadow_faults.blinds,
    shadow_faults.lattice,
    shadow_faults.leaves,
    shadow_faults.roof,
]


@pytest.fixture(scope='module')
def sequence(room):
    return room_sequence(room, 4, step=3.0)


def cast(room, sequence, pattern, share=0.6, seed=1, index=0):
    make = shadow_faults.hard_shadow(room.scene, pattern, 0.3, share)
    image = make(np.random.default_rng(seed))(sequence, index, 0.0).frame.image
    return image, sequence.frames[index].image


@pytest.mark.parametrize('pattern', PATTERNS)
def test_some_of_the_image_is_dark_by_the_share_and_the_rest_as_it_was(room, sequence, pattern):
    image, before = cast(room, sequence, pattern)
    ratio = image.sum(-1) / np.maximum(before.sum(-1), 1)
    dark, lit = np.abs(ratio - 0.4) < 0.03, np.abs(ratio - 1.0) < 0.03
    assert dark.mean() > 0.2
    assert lit.mean() > 0.2
    assert (dark | lit).mean() > 0.8


@pytest.mark.parametrize('pattern', PATTERNS)
def test_a_shadow_stays_on_the_surface(room, sequence, pattern):
    first, second = (ratio_of(*cast(room, sequence, pattern, index=index)) for index in (0, 2))
    depth = room.scene.render(torch.from_numpy(sequence.poses[0]), CAMERA).depth[0].numpy()
    points = CAMERA.rays().numpy() * depth[..., None]
    moved = np.linalg.inv(sequence.poses[2]) @ sequence.poses[0]
    there = points @ moved[:3, :3].T + moved[:3, 3]
    pixel = CAMERA.project(torch.from_numpy(there)).numpy().round().astype(int)
    inside = ((pixel >= 0) & (pixel < (320, 240))).all(-1) & (depth > 0)
    u, v = pixel[inside].T
    same = (first[inside] < 0.7) == (second[v, u] < 0.7)
    assert same.mean() > 0.85


def ratio_of(image, before):
    return image.sum(-1) / np.maximum(before.sum(-1), 1)


def test_the_sun_is_elsewhere_for_another_seed(room, sequence):
    image = cast(room, sequence, shadow_faults.blinds, seed=1)[0]
    np.testing.assert_array_equal(image, cast(room, sequence, shadow_faults.blinds, seed=1)[0])
    assert (image != cast(room, sequence, shadow_faults.blinds, seed=2)[0]).mean() > 0.1
