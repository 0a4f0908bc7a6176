"""What is installed: the product, without tools, evaluation and tests."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = (
    'config',
    'evaluation',
    'launch',
    'mesh_reloc_ros',
    'resource',
    'standalone_ros',
    'test',
    'tools',
    'package.xml',
    'pyproject.toml',
    'setup.cfg',
    'setup.py',
)
MAX_LINES = 26_250


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> dict[PurePosixPath, bytes]:
    """Return the files of a wheel, built from a copy of the sources."""
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'
    source.mkdir()
    ignored = shutil.ignore_patterns('__pycache__', '*.egg-info', 'build')
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, source / name)
    options = ('--no-deps', '--no-build-isolation', '--no-index', '--wheel-dir', str(folder))
    subprocess.run(
        [sys.executable, '-m', 'pip', 'wheel', *options, str(source)],
        check=True,
        capture_output=True,
    )
    (file,) = folder.glob('*.whl')
    with zipfile.ZipFile(file) as archive:
        return {PurePosixPath(name): archive.read(name) for name in archive.namelist()}


def test_the_wheel_contains_the_package_and_the_files_for_ros_and_nothing_else(wheel):
    code = {path for path in wheel if path.parts[0] == 'mesh_reloc_ros'}
    assert {path.suffix for path in code} <= {'.py', '.typed'}
    assert PurePosixPath('mesh_reloc_ros/ros/main.py') in code
    data = [path for path in wheel if '.data' in path.parts[0]]
    shared = {'/'.join(path.parts[2:5]) for path in data}
    assert shared == {
        'share/ament_index/resource_index',
        'share/mesh_reloc_ros/package.xml',
        'share/mesh_reloc_ros/launch',
        'share/mesh_reloc_ros/config',
    }
    others = set(wheel) - code - set(data)
    assert all(path.parts[0].endswith('.dist-info') for path in others)


def test_all_code_of_the_package_is_in_the_wheel(wheel):
    sources = (ROOT / 'mesh_reloc_ros').rglob('*.py')
    assert {path.relative_to(ROOT).as_posix() for path in sources} <= set(map(str, wheel))


@pytest.mark.parametrize('package', [b'mesh_reloc_evaluation', b'mesh_reloc_tools'])
def test_the_wheel_does_not_import_the_packages_beside_it(wheel, package):
    for path, content in wheel.items():
        if path.suffix == '.py':
            assert b'import ' + package not in content, path
            assert b'from ' + package not in content, path


def test_the_product_stays_small(wheel):
    code = (path for path in wheel if path.parts[0] == 'mesh_reloc_ros')
    lines = sum(wheel[path].count(b'\n') for path in code)
    assert lines <= MAX_LINES


@pytest.mark.parametrize('folder', ['evaluation', 'tools'])
def test_colcon_does_not_see_the_packages_beside_it(folder):
    assert (ROOT / folder / 'COLCON_IGNORE').is_file()
