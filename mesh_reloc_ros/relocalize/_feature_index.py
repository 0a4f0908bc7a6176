"""Search for similar descriptors among those of a feature map: an inverted file by faiss."""

from __future__ import annotations

import math

import faiss
import numpy as np
from numpy.typing import NDArray

# Inverted lists per square root of the number of descriptors, the lists that are searched, and how
# the centres of the lists are found.
_LISTS, _SEARCHED = 2.0, 12
_TRAINED_PER_LIST, _ROUNDS = 40, 8


class FeatureIndex:
    """Finds nearest neighbours among descriptors [N, D]; safe for any thread."""

    def __init__(self, descriptors: NDArray[np.uint8]) -> None:
        """Build the index; the time is about linear in the number of descriptors."""
        count, size = descriptors.shape
        lists = max(min(round(_LISTS * math.sqrt(count)), count // _TRAINED_PER_LIST), 1)
        self._coarse = faiss.IndexFlatL2(size)
        code = faiss.ScalarQuantizer.QT_8bit_direct
        self._index = faiss.IndexIVFScalarQuantizer(self._coarse, size, lists, code, faiss.METRIC_L2, False)
        self._index.cp.niter = _ROUNDS
        self._index.nprobe = _SEARCHED
        some = np.random.default_rng(0).permutation(count)[: lists * _TRAINED_PER_LIST]
        self._index.train(descriptors[some].astype(np.float32))
        for part in np.array_split(descriptors, max(count // 100_000, 1)):
            self._index.add(part.astype(np.float32))

    def nearest(
        self, descriptors: NDArray[np.uint8], count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return squared distances and numbers [Q, count] of the nearest; -1 where there is none."""
        squared, numbers = self._index.search(descriptors.astype(np.float32), count)
        return squared, numbers
