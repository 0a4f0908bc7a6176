"""Progress of work that takes long: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from threading import Event
from typing import Any, TextIO, TypeVar

from tqdm import tqdm

Progress = Callable[[str, float], None]
"""Called with a stage of the work and how much of it is done, 0 to 1; each stage ends with 1."""
Item = TypeVar('Item')

_LOG_PERIOD_S = 30.0
"""Between two lines in a log file."""


def silent(stage: str, done: float) -> None:
    """Ignore the progress."""


def cancellable(progress: Progress, cancel: Event) -> Progress:
    """Return a progress that ends the work once an event is set.

    :returns: it raises `concurrent.futures.CancelledError`.
    """

    def checked(stage: str, done: float) -> None:
        if cancel.is_set():
            raise CancelledError
        progress(stage, done)

    return checked


def show_progress(file: TextIO) -> Progress:
    """Return what shows each stage in `file`: as a bar if that is a terminal, else by lines."""
    if file.isatty():
        return ProgressBars(file)
    return ProgressLines(lambda line: print(line, file=file, flush=True), _LOG_PERIOD_S)


def progress_bar(
    items: Iterable[Item],
    description: str,
    file: TextIO | None,
    *,
    unit: str = 'image',
    total: int | None = None,
) -> Iterator[Item]:
    """Yield the items, and show how many were taken.

    :param file: where a bar or, if it is no terminal, lines are written; None for nowhere.
    :param total: number of items; by default their length, if they have one.
    """
    if file is None:
        return iter(items)
    if file.isatty():
        return iter(tqdm(items, description, total, unit=unit, file=file))
    return _counted_in_lines(items, description, unit, file)


def _counted_in_lines(
    items: Iterable[Item], description: str, unit: str, file: TextIO
) -> Iterator[Item]:
    begin = said = time.monotonic()
    count = 0
    for item in items:
        now = time.monotonic()
        if now - said >= _LOG_PERIOD_S:
            print(f'{description}: {count} {unit}s so far', file=file, flush=True)
            said = now
        yield item
        count += 1
    print(f'{description}: {count} {unit}s in {time.monotonic() - begin:.1f} s', file=file)


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
    """Writes a line now and then; a stage that ends before the next line is due gets none."""

    def __init__(self, say: Callable[[str], object], period_s: float = 2.0) -> None:
        self._say = say
        self._period_s = period_s
        self._said_s = time.monotonic()

    def __call__(self, stage: str, done: float) -> None:
        """Write the stage if the last line is older than the period; see `Progress`."""
        now = time.monotonic()
        if now - self._said_s >= self._period_s:
            self._say(f'{stage}: {done:.0%}')
            self._said_s = now
