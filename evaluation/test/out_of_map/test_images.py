"""Images that do not show the map: kinds, sizes, repeatability."""

from collections import Counter

import numpy as np
import pytest
from mesh_reloc_evaluation.out_of_map.images import OutOfMapImages
from mesh_reloc_evaluation.out_of_map.patterns import PATTERNS
from support.small_room import CAMERA, clouds

PHOTOGRAPHS = [clouds(seed=50), clouds(seed=51)[:, :300]]


@pytest.fixture(scope='module')
def images(room) -> OutOfMapImages:
    return OutOfMapImages(CAMERA, room.scene.mesh, None, PHOTOGRAPHS)


def test_images_are_of_all_kinds_of_the_cameras_size_and_the_same_each_time(images):
    numbered = list(images.first(26))
    kinds = Counter(kind for _, kind, _ in numbered)
    assert set(kinds) == {'photograph', 'texture of the map', *PATTERNS}
    assert kinds['photograph'] > kinds['text']
    for number, kind, image in numbered:
        assert image.shape == (CAMERA.height, CAMERA.width, 3)
        assert image.dtype == np.uint8
        again_kind, again = images.image(number)
        assert again_kind == kind
        np.testing.assert_array_equal(again, image)


def test_no_two_images_are_alike(images):
    shown = [image for _, _, image in images.first(40)]
    for number, image in enumerate(shown):
        assert not any((image == other).all() for other in shown[:number])


@pytest.mark.parametrize('name', PATTERNS)
def test_patterns_have_contrast(name):
    shown = [PATTERNS[name](np.random.default_rng(seed), 320, 240) for seed in range(4)]
    assert all(image.std() > 4 for image in shown)


def test_places_are_of_the_kind_that_looks_most_like_a_place(room, images):
    assert len(images.places(5)) == 5
    with_room = OutOfMapImages(CAMERA, room.scene.mesh, room.scene, PHOTOGRAPHS)
    assert with_room.image(0)[0] == 'room'
    np.testing.assert_array_equal(with_room.places(2)[1], with_room.image(1)[1])
    assert len(OutOfMapImages(CAMERA, room.scene.mesh).places(3)) == 3
