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
        return _bars(file)
    return progress_lines(lambda line: print(line, file=file, flush=True), _LOG_PERIOD_S)


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


def progress_lines(say: Callable[[str], object], period_s: float = 2.0) -> Progress:
    """Return what writes a line per period; a stage that ends before it is due gets none."""
    said_s = time.monotonic()

    def show(stage: str, done: float) -> None:
        nonlocal said_s
        now = time.monotonic()
        if now - said_s >= period_s:
            say(f'{stage}: {done:.0%}')
            said_s = now

    return show


def _bars(file: TextIO) -> Progress:
    """Return what shows one bar for each stage."""
    bar: Any = None

    def show(stage: str, done: float) -> None:
        nonlocal bar
        if bar is None:
            layout = '{desc}: {percentage:3.0f}%|{bar:40}| {elapsed}'
            bar = tqdm(desc=stage, total=1.0, bar_format=layout, file=file)
        bar.update(done - bar.n)
        if done >= 1:
            bar.close()
            bar = None

    return show
