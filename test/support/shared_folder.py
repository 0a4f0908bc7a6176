"""Folders that the processes of one test run share, as what is in them takes long to make."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def shared_folder(factory: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """Yield the path of a folder, which may not exist yet, while no other process has it.

    Workers of pytest-xdist share it.
    """
    is_worker = 'PYTEST_XDIST_WORKER' in os.environ
    base = factory.getbasetemp()
    folder = (base.parent if is_worker else base) / name
    with folder.with_suffix('.lock').open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield folder
