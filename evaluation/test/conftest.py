"""Fixtures of several test folders."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.shared_folder import shared_folder

# Imported where tests run, as in the conftest.py of all tests.
if TYPE_CHECKING:
    from mesh_reloc_evaluation.painted_room.sample import SampleFiles


@pytest.fixture(scope='session')
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an output folder, which at first has an outdated sample and one left half made."""
    with shared_folder(tmp_path_factory, 'demo') as folder:
        if not folder.exists():
            (folder / 'sample').mkdir(parents=True)
            (folder / 'sample' / 'sample.json').write_text('{"version": "of another time"}')
            (folder / 'sample.part' / 'mesh').mkdir(parents=True)
    return folder


@pytest.fixture(scope='session')
def sample(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> 'SampleFiles':
    from evaluation_support.small_film import SMALL
    from mesh_reloc_evaluation.painted_room.sample import make_sample

    with shared_folder(tmp_path_factory, demo_folder.name):
        return make_sample(demo_folder / 'sample', SMALL)
