"""How the process keeps the memory that it has freed."""

from __future__ import annotations

import ctypes
import sys

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
