"""A real recording, where it is at hand: images of a hand-held camera are found from nothing."""

from pathlib import Path

from support.found_from_nothing import errors_from_nothing


def test_images_of_a_kitchen_are_found_from_nothing(shared_data: Path):
    folder = shared_data / 'redkitchen'
    bag, truth = folder / 'clip_bag', folder / 'clip_groundtruth.tum'
    errors = errors_from_nothing(folder / 'mesh.obj', bag, truth, every=25)
    assert len(errors) == 6
    assert (errors < (0.03, 1.0)).all(), errors
