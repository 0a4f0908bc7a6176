"""Fixtures of several test folders."""

from pathlib import Path

import pytest
from evaluation_support.small_film import SMALL
from mesh_reloc_evaluation.painted_room.sample import SampleFiles, make_sample


@pytest.fixture(scope='session')
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an output folder with an outdated sample, and one that was left half made."""
    folder = tmp_path_factory.mktemp('demo')
    (folder / 'sample').mkdir()
    (folder / 'sample' / 'sample.json').write_text('{"version": "of another time"}')
    (folder / 'sample.part' / 'mesh').mkdir(parents=True)
    return folder


@pytest.fixture(scope='session')
def sample(demo_folder: Path) -> SampleFiles:
    return make_sample(demo_folder / 'sample', SMALL)
