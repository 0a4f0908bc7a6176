"""Search for similar descriptors: an inverted file by faiss (J. Johnson et al., 2017)."""

from __future__ import annotations

import math

import faiss
import numpy as np
from numpy.typing import NDArray

# Inverted lists per root of the number of descriptors, those that are searched, and how the centres
# of the lists are found.
_LISTS, _SEARCHED = 2.0, 12
_TRAINED_PER_LIST, _ROUNDS = 40, 8
_AT_ONCE = 100_000


def built_index(descriptors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the index of descriptors [N, D] as bytes, to be stored and to be searched."""
    count, size = descriptors.shape
    lists = max(min(round(_LISTS * math.sqrt(count)), count // _TRAINED_PER_LIST), 1)
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatL2(size),
        size,
        lists,
        faiss.ScalarQuantizer.QT_8bit_direct,
        faiss.METRIC_L2,
        False,
    )
    index.cp.niter = _ROUNDS
    # It warns if it has fewer than this for each list.
    index.cp.min_points_per_centroid = 1
    some = np.random.default_rng(0).permutation(count)[: lists * _TRAINED_PER_LIST]
    if count:
        index.train(descriptors[some].astype(np.float32))
    for first in range(0, count, _AT_ONCE):
        index.add(descriptors[first : first + _AT_ONCE].astype(np.float32))
    return np.asarray(faiss.serialize_index(index))


class FeatureIndex:
    """Finds nearest neighbours among descriptors; safe for any thread."""

    def __init__(self, stored: NDArray[np.uint8]) -> None:
        """Open an index that `built_index` returned. It is not copied: it may lie in a file."""
        self._stored = stored
        reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(stored), stored.size)  # type: ignore[attr-defined]
        self._index = faiss.read_index(reader, faiss.IO_FLAG_MMAP_IFC)
        faiss.ParameterSpace().set_index_parameter(self._index, 'nprobe', _SEARCHED)

    def nearest(
        self, descriptors: NDArray[np.uint8], count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return squared distances and numbers [Q, count] of the nearest; -1 for none."""
        # On more, it waits busily where the machine has other work.
        faiss.omp_set_num_threads(1)
        squared, numbers = self._index.search(descriptors.astype(np.float32), count)
        return squared, numbers
