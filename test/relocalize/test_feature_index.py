"""The index finds nearest neighbours, also after it was stored."""

import numpy as np
import pytest

from mesh_reloc_ros.relocalize._feature_index import FeatureIndex, built_index

COUNT, SIZE = 20_000, 128


@pytest.fixture(scope='module')
def descriptors() -> np.ndarray:
    """Return descriptors in clusters, as those of images are."""
    rng = np.random.default_rng(1)
    centres = rng.uniform(30, 90, (300, SIZE))
    spread = centres[rng.integers(0, 300, COUNT)] + rng.normal(scale=35, size=(COUNT, SIZE))
    return spread.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope='module')
def queries(descriptors: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(2).normal(scale=25, size=(300, SIZE))
    return (descriptors[::67][:300] + noise[: len(descriptors[::67])]).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope='module')
def stored(descriptors: np.ndarray) -> np.ndarray:
    return built_index(descriptors)


def test_most_of_the_exact_neighbours_are_found_with_their_distances(descriptors, queries, stored):
    squared, numbers = FeatureIndex(stored).nearest(queries, 4)
    assert squared.shape == numbers.shape == (len(queries), 4)
    a, b = queries.astype(np.float64), descriptors.astype(np.float64)
    exact = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    best = np.argsort(exact, axis=1)[:, :4]
    assert (numbers[:, 0] == best[:, 0]).mean() > 0.95
    shared = [len(set(n) & set(e)) / 4 for n, e in zip(numbers, best, strict=True)]
    # In noise, those after the first are all about as far away.
    assert np.mean(shared) > 0.5
    rows = np.arange(len(queries))[:, None]
    np.testing.assert_allclose(squared, exact[rows, numbers], rtol=1e-4)
    assert (np.diff(squared, axis=1) >= 0).all()


def test_it_is_the_same_when_built_again_and_when_reopened(descriptors, queries, stored):
    assert stored.dtype == np.uint8
    np.testing.assert_array_equal(built_index(descriptors), stored)
    first, again = FeatureIndex(stored), FeatureIndex(np.frombuffer(stored.tobytes(), np.uint8))
    for one, other in zip(first.nearest(queries, 3), again.nearest(queries, 3), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize('count', [1, 3, 50])
def test_few_descriptors_are_found_and_missing_ones_have_no_number(descriptors, count: int):
    few = descriptors[:count]
    numbers = FeatureIndex(built_index(few)).nearest(descriptors[:5], 4)[1]
    assert ((numbers >= 0).sum(1) == min(count, 4)).all()
    own = min(count, 5)
    np.testing.assert_array_equal(numbers[:own, 0], np.arange(own))
