"""How long work says how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TextIO

from tqdm import tqdm

Progress = Callable[[str, float], None]
"""Called with what is being done and how much of it is done, 0 to 1; each stage ends with 1."""


def silent(stage: str, done: float) -> None:
    """Say nothing."""


class ProgressBars:
    """Shows one bar for each stage."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._bar: Any = None

    def __call__(self, stage: str, done: float) -> None:
        """Move the stage's bar; see `Progress`."""
        if self._bar is None:
            layout = '{desc}: {percentage:3.0f}%|{bar:40}| {elapsed}'
            self._bar = tqdm(desc=stage, total=1.0, bar_format=layout, file=self._file)
        self._bar.update(done - self._bar.n)
        if done >= 1:
            self._bar.close()
            self._bar = None


class ProgressLines:
    """Says a line now and then; what is quickly done needs none."""

    def __init__(self, say: Callable[[str], object], period_s: float = 2.0) -> None:
        self._say = say
        self._period_s = period_s
        self._said_s = time.monotonic()

    def __call__(self, stage: str, done: float) -> None:
        """Say the stage if the last line is a while ago; see `Progress`."""
        now = time.monotonic()
        if now - self._said_s >= self._period_s:
            self._say(f'{stage}: {done:.0%}')
            self._said_s = now
