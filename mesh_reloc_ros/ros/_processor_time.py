"""Whether the node gets enough processor time for the images of its camera."""

from __future__ import annotations

import time
from collections import deque

_WINDOW_S = 5.0
_FEWEST = 20
"""Images within the window of which a share is known."""
_MUCH = 0.25
"""A share of dropped images that is a problem; up to a sixth are dropped on a quiet machine."""


class ProcessorTime:
    """Watches which share of the images is dropped for lack of processor time."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int, int]] = deque()
        self._share = 0.0

    def watch(self, processed: int, dropped: int, *, is_searching: bool) -> None:
        """Note the numbers of images so far. Call it regularly.

        :param is_searching: whether the camera is searched for, which takes more time: the share
            stays that of before.
        """
        if is_searching:
            self._counts.clear()
            return
        now = time.monotonic()
        self._counts.append((now, processed, dropped))
        while now - self._counts[0][0] > _WINDOW_S:
            _, processed_before, dropped_before = self._counts.popleft()
            done, lost = processed - processed_before, dropped - dropped_before
            self._share = lost / (done + lost) if done + lost >= _FEWEST else 0.0

    def problem(self, level: int, *, reduces: bool) -> str:
        """Return how many images were dropped and what to do about it, one line; '' if few were.

        :param level: finest pyramid level that images are aligned on at present.
        :param reduces: whether the node aligns with less under load.
        """
        if self._share < _MUCH:
            return ''
        setting = '' if reduces else 'set reduce_under_load to true, '
        return (
            f'too little processor time: {100 * self._share:.0f} % of the images dropped, working'
            f' at level {level}; {setting}lower the rate of the camera, or give the node more of'
            ' the processor'
        )
