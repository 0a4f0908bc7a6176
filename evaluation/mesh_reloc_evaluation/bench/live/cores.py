"""Cores, other work on them, and what a process takes of them (Linux)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mesh_reloc_ros.errors import InputError


def cores_of(text: str) -> set[int]:
    """Return the cores of a list such as `0,1`; all that there are if it is empty.

    :raises InputError: it is not a list of cores of this machine.
    """
    available = os.sched_getaffinity(0)
    if not text:
        return available
    try:
        cores = {int(word) for word in text.split(',')}
    except ValueError:
        cores = set()
    if not cores or not cores <= available:
        listed = ','.join(map(str, sorted(available)))
        raise InputError(f'--cores {text}: give cores of this machine, of {listed}')
    return cores


@contextmanager
def busy_loops(count: int, cores: set[int]) -> Iterator[None]:
    """Keep cores busy with so many processes of normal priority."""
    # In sessions of their own, as Linux shares cores among sessions first.
    loops = [
        subprocess.Popen([sys.executable, '-c', 'while True: pass'], start_new_session=True)
        for _ in range(count)
    ]
    try:
        for loop in loops:
            os.sched_setaffinity(loop.pid, cores)
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def processor_seconds(pid: int) -> float:
    """Return the processor time that all threads of a process have taken so far."""
    fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def peak_memory_mb(pid: int) -> float:
    """Return the most memory that a process has had."""
    lines = Path(f'/proc/{pid}/status').read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith('VmHWM'))) / 1e3
