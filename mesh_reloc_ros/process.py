"""What the process may take of the machine: cores and heaps."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')

# More threads would need more memory, and leave the machine nothing for other work.
_MOST_THREADS = 4
_M_ARENA_MAX = -8
"""Of glibc's malloc.h."""


def share_heaps() -> None:
    """Have all threads share two heaps of glibc; to be called before they start.

    By default there are eight for each core. As big arrays come and go on several threads, each
    keeps as much as it ever needed, and the process grows for hours. See mallopt(3).
    """
    if sys.platform == 'linux':
        mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, 2)


def use_one_core_per_operation() -> None:
    """Keep torch and OpenCV from spreading single operations over all cores.

    The operations here are small: spread out, they wait for each other, and busily, so that on a
    machine with other work to do everything becomes slower.
    """
    # Imported here, as they take seconds that not every program spends.
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the results of work on items, in their order; several are worked on at once.

    For work outside of Python, which waits for nobody. An exception of it is raised here.
    """
    pool = ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS))
    try:
        yield from pool.map(work, items)
    finally:
        pool.shutdown(cancel_futures=True)
