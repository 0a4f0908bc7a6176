"""Which plugins pytest loads for these tests."""

import os
import subprocess
import sys
from pathlib import Path

CONFIGURATION = Path(__file__).parents[1] / 'pyproject.toml'
OUTDATED_HOOK = 'def pytest_pycollect_makemodule(path, parent): pass\n'
"""As in launch_testing; pytest 9 has no argument `path`."""


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the tests in a folder whose packages pytest finds, configured as these tests."""
    command = [sys.executable, '-m', 'pytest', '-c', str(CONFIGURATION), f'--rootdir={folder}']
    search_path = os.pathsep.join([str(folder), os.environ.get('PYTHONPATH', '')])
    return subprocess.run(
        [*command, *options, 'test_nothing.py'],
        cwd=folder,
        env=os.environ | {'PYTHONPATH': search_path},
        capture_output=True,
        text=True,
    )


def test_plugins_of_a_ros_installation_are_not_loaded(tmp_path: Path):
    (tmp_path / 'outdated_hooks.py').write_text(OUTDATED_HOOK)
    (tmp_path / 'test_nothing.py').write_text('def test_nothing(): pass\n')
    installed = tmp_path / 'launch_testing-1.0.dist-info'
    installed.mkdir()
    (installed / 'METADATA').write_text('Metadata-Version: 2.1\nName: launch-testing\nVersion: 1\n')
    (installed / 'entry_points.txt').write_text('[pytest11]\nlaunch_testing = outdated_hooks\n')
    loaded = run_pytest(tmp_path, '-o', 'addopts=')
    assert loaded.returncode != 0
    assert 'launch_testing' in loaded.stderr
    left_out = run_pytest(tmp_path)
    assert left_out.returncode == 0, left_out.stdout + left_out.stderr
