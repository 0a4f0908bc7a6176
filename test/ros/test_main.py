"""The executable before and after the node: what it says without one, and how it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.patience import LONG_S


def run(*words: str, before: str = '') -> subprocess.CompletedProcess[str]:
    """Run the executable until it ends, after a statement in Python."""
    program = f'import sys; {before}\nfrom mesh_reloc_ros.ros.main import main; main()'
    return subprocess.run(
        [sys.executable, '-c', program, *words], capture_output=True, text=True, timeout=LONG_S
    )


@pytest.mark.parametrize('option', ['--help', '-h'])
def test_help_shows_how_it_is_called(option):
    ended = run(option)
    assert (ended.returncode, ended.stderr) == (0, '')
    assert '--ros-args -p mesh:=' in ended.stdout


def test_it_knows_its_version():
    ended = run('--version')
    assert (ended.returncode, ended.stderr) == (0, '')
    assert ended.stdout == 'mesh_reloc_ros 0.1.0\n'


def test_an_argument_that_is_not_for_ros_is_refused_in_one_line():
    ended = run('--ros-args', '-p', 'solver:=lm', '--', 'mesh:=/x.obj')
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith('mesh_reloc_node: unknown argument mesh:=/x.obj: parameters come after')


@pytest.mark.parametrize(
    ('package', 'advice'),
    [('torch', 'make setup'), ('rclpy', 'setup.bash'), ('tf2_msgs', 'setup.bash')],
)
def test_a_missing_package_is_reported_in_one_line(package, advice):
    ended = run('--ros-args', before=f'sys.modules[{package!r}] = None')
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert f'package {package} is not installed for {sys.executable}' in line
    assert advice in line


STUCK = """
import sys, time
from pathlib import Path
from mesh_reloc_ros.files import atomic_write
from mesh_reloc_ros.ros._ending import Ending

ending = Ending()
ending.imports = False
ending.last = lambda: Path({saved!r}).touch()
with atomic_write(Path({cache!r})) as part:
    part.touch()
    while True:
        time.sleep(1.0)
"""


def test_it_ends_while_it_is_busy_and_leaves_nothing_half_done(tmp_path: Path):
    saved, cache = tmp_path / 'saved', tmp_path / 'cache'
    process = subprocess.Popen(
        [sys.executable, '-c', STUCK.format(saved=str(saved), cache=str(cache))]
    )
    deadline = time.monotonic() + LONG_S
    while not list(tmp_path.glob('*.part')):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONG_S) == 0
    assert list(tmp_path.iterdir()) == [saved]
