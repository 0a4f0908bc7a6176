"""Real photographs, where they are at hand: they are found from nothing.

In a file of their own, as files are what is distributed to processes.
"""

from pathlib import Path

from support.found_from_nothing import errors_from_nothing


def test_photographs_of_a_fountain_are_found_from_nothing(shared_data: Path):
    folder = shared_data / 'fountain'
    bag, truth = folder / 'holdout_bag', folder / 'holdout_groundtruth.tum'
    errors = errors_from_nothing(folder / 'mesh.obj', bag, truth, every=1)
    assert len(errors) == 3
    assert (errors < (0.01, 1.0)).all(), errors
