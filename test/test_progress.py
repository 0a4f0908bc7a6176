"""Progress as a user sees it: bars on a terminal, lines in a log."""

import contextlib
import io
import os
import pty
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import TextIO

import pytest

from mesh_reloc_ros.progress import cancellable, progress_bar, progress_lines, show_progress


def written_to(ends: Callable[[], tuple[int, int]], work: Callable[[TextIO], None]) -> str:
    """Return what `work` writes to the file at the other end of a terminal or pipe."""
    reading_end, writing_end = ends()
    with open(writing_end, 'w') as file:  # noqa: PTH123 (a file descriptor)
        work(file)
    parts = []
    # One call may return a part only. Once all is read, a terminal raises an error.
    with contextlib.suppress(OSError):
        while part := os.read(reading_end, 100_000):
            parts.append(part)
    os.close(reading_end)
    return b''.join(parts).decode()


def show_two_stages(file: TextIO) -> None:
    progress = show_progress(file)
    for stage in ('reading', 'building'):
        for done in (0.0, 0.3, 0.7, 1.0):
            progress(stage, done)


def track_300_images(file: TextIO) -> None:
    assert list(progress_bar(range(300), 'tracking', file)) == list(range(300))


def test_on_a_terminal_each_stage_has_a_bar_that_is_full_at_its_end():
    text = written_to(pty.openpty, show_two_stages)
    bars = [line.split('\r')[-1] for line in text.strip().split('\r\n')]
    assert [bar.split('|')[0] for bar in bars] == ['reading: 100%', 'building: 100%']


def test_on_a_terminal_images_are_counted_by_a_bar():
    text = written_to(pty.openpty, track_300_images)
    last = text.strip().split('\r')[-1]
    assert last.startswith('tracking: 100%|')
    assert '300/300' in last


def test_in_a_log_a_quick_stage_takes_no_line():
    assert written_to(os.pipe, lambda file: [show_two_stages(file), file.write('end\n')]) == 'end\n'


def test_in_a_log_a_loop_takes_one_line_without_carriage_returns():
    text = written_to(os.pipe, track_300_images)
    assert text.startswith('tracking: 300 images in ')
    assert text.count('\n') == 1
    assert '\r' not in text


def test_in_a_log_a_long_loop_takes_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch):
    seconds = iter(range(0, 10_000, 10))
    monkeypatch.setattr('time.monotonic', lambda: float(next(seconds)))
    log = io.StringIO()
    assert list(progress_bar('abcdefg', 'faults', log, unit='case')) == list('abcdefg')
    assert log.getvalue().splitlines() == [
        'faults: 2 cases so far',
        'faults: 5 cases so far',
        'faults: 7 cases in 80.0 s',
    ]


def test_without_a_file_the_items_alone_are_yielded():
    assert list(progress_bar([1, 2], 'basin', None)) == [1, 2]


def test_a_long_stage_is_logged_and_a_quick_one_is_not():
    said: list[str] = []
    quick, slow = (
        progress_lines(said.append, period_s=1e6),
        progress_lines(said.append, period_s=0.0),
    )
    quick('reading', 0.5)
    assert not said
    slow('reading', 0.5)
    slow('building', 0.25)
    assert said == ['reading: 50%', 'building: 25%']


def test_work_that_is_cancelled_ends_with_its_next_report():
    cancel, reported = threading.Event(), []
    progress = cancellable(lambda stage, done: reported.append(done), cancel)
    progress('building', 0.5)
    cancel.set()
    with pytest.raises(CancelledError):
        progress('building', 0.6)
    assert reported == [0.5]
