"""The cache of compiled code: it notices every change, and is shared by equal sources."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mesh_reloc_ros

PACKAGE = Path(mesh_reloc_ros.__file__).parent
CALLEE = """
from mesh_reloc_ros.kernels.compile import kernel

@kernel()
def number():
    return 1
"""
CALLER = """
from mesh_reloc_ros.kernels.callee import number
from mesh_reloc_ros.kernels.compile import kernel

@kernel()
def doubled():
    return 2 * number()
"""
PROGRAM = """
from mesh_reloc_ros.kernels.caller import doubled
print(doubled(), sum(doubled.stats.cache_hits.values()))
"""


class Installation:
    """A copy of the package's decorator with two kernels, and a folder for caches."""

    def __init__(self, folder: Path, caches: Path) -> None:
        self.kernels = folder / 'mesh_reloc_ros' / 'kernels'
        self.caches = caches
        self.kernels.mkdir(parents=True)
        for name in ('errors.py', 'files.py', 'kernels/compile.py'):
            shutil.copy(PACKAGE / name, self.kernels.parent / name)
        for name in ('__init__.py', 'kernels/__init__.py'):
            (self.kernels.parent / name).touch()
        self.write('callee', CALLEE)
        self.write('caller', CALLER)

    def write(self, module: str, source: str) -> None:
        (self.kernels / f'{module}.py').write_text(source)

    def run(self, program: str = PROGRAM, **variables: str) -> tuple[int, bool]:
        """Return what the kernel returns, and whether its code came from the cache.

        :param variables: added to the environment.
        """
        root = self.kernels.parents[1]
        environment = {
            **os.environ,
            'PYTHONPATH': str(root),
            'XDG_CACHE_HOME': str(self.caches),
            'PYTHONDONTWRITEBYTECODE': '1',
        }
        environment.pop('NUMBA_CACHE_DIR', None)
        environment.update(variables)
        command = [sys.executable, '-c', program]
        result = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        self.warnings = result.stderr
        value, hits = result.stdout.split()
        return int(value), hits == '1'

    def folders(self) -> list[Path]:
        return sorted((self.caches / 'mesh_reloc_ros' / 'kernels').iterdir())


@pytest.fixture(scope='module')
def compiled(tmp_path_factory) -> Path:
    """Return a folder for caches in which the code of an installation is."""
    folder = tmp_path_factory.mktemp('compiled')
    assert Installation(folder / 'one', folder / 'caches').run() == (2, False)
    return folder / 'caches'


@pytest.fixture
def installation(tmp_path, compiled) -> Installation:
    """Return an installation whose code is in the cache."""
    shutil.copytree(compiled, tmp_path / 'caches')
    return Installation(tmp_path / 'one', tmp_path / 'caches')


def test_code_is_compiled_once(installation):
    assert installation.run() == (2, True)
    assert not installation.warnings


def test_a_changed_callee_in_another_module_is_noticed(installation):
    installation.write('callee', CALLEE.replace('return 1', 'return 5'))
    assert installation.run() == (10, False)
    installation.write('callee', CALLEE)
    assert installation.run() == (2, True)


def test_code_compiled_while_sources_are_edited_is_not_kept(installation):
    shutil.rmtree(installation.caches)
    edit = """
from pathlib import Path
from mesh_reloc_ros.kernels import compile
callee = Path(compile.__file__).with_name('callee.py')
callee.write_text(callee.read_text().replace('return 1', 'return 5'))
"""
    assert installation.run(edit + PROGRAM) == (10, False)
    installation.write('callee', CALLEE)
    assert installation.run() == (2, False)


def test_installations_with_the_same_sources_share_the_code(installation, tmp_path):
    other = Installation(tmp_path / 'two', installation.caches)
    assert other.run() == (2, True)


def test_the_time_of_a_file_does_not_matter(installation):
    os.utime(installation.kernels / 'caller.py', (1e9, 1e9))
    assert installation.run() == (2, True)


def test_damaged_files_are_replaced(installation):
    for file in installation.folders()[0].iterdir():
        file.write_bytes(file.read_bytes()[:20])
    assert installation.run() == (2, False)
    assert installation.run() == (2, True)


def test_without_a_folder_that_can_be_written_it_compiles_and_says_so(installation):
    shutil.rmtree(installation.caches)
    installation.caches.write_text('a file, not a folder')
    assert installation.run() == (2, False)
    assert 'NUMBA_CACHE_DIR' in installation.warnings


def test_the_folder_can_be_set_by_the_variable_of_numba(installation, tmp_path):
    assert installation.run(NUMBA_CACHE_DIR=str(tmp_path / 'elsewhere')) == (2, False)
    assert installation.run(NUMBA_CACHE_DIR=str(tmp_path / 'elsewhere')) == (2, True)


def test_code_of_old_sources_is_deleted(installation):
    (old,) = installation.folders()
    for source, age_days in (('return 3', 1), ('return 5', 40)):
        os.utime(old, (time.time() - age_days * 86400,) * 2)
        installation.write('callee', CALLEE.replace('return 1', source))
        installation.run()
        assert old.exists() == (age_days < 30)
