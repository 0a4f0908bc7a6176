"""Fixtures of several test folders."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from evaluation_support.small_film import SMALL
from mesh_reloc_evaluation.painted_room.sample import SampleFiles, make_sample


@pytest.fixture(scope='session')
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an output folder, which at first has an outdated sample and one left half made.

    Workers of pytest-xdist share it, as the sample takes long to make.
    """
    is_worker = 'PYTEST_XDIST_WORKER' in os.environ
    shared = tmp_path_factory.getbasetemp()
    folder = (shared.parent if is_worker else shared) / 'demo'
    with only_process(folder):
        if not folder.exists():
            (folder / 'sample').mkdir(parents=True)
            (folder / 'sample' / 'sample.json').write_text('{"version": "of another time"}')
            (folder / 'sample.part' / 'mesh').mkdir(parents=True)
    return folder


@pytest.fixture(scope='session')
def sample(demo_folder: Path) -> SampleFiles:
    with only_process(demo_folder):
        return make_sample(demo_folder / 'sample', SMALL)


@contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Keep other processes from making the same folder."""
    with folder.with_suffix('.lock').open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
