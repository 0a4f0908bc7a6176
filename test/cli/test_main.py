"""The command `mesh_reloc`: its subcommands, with and without those of other packages."""

import subprocess
import sys

import pytest
from support.patience import LONG_S

from mesh_reloc_ros.cli import main as command_line

EVALUATION = ('bench', 'demo', 'stress', 'study')
TOOLS = ('calibrate', 'info', 'prepare', 'view')


@pytest.fixture
def alone(monkeypatch):
    """Hide the other packages."""
    monkeypatch.setattr(command_line, 'entry_points', lambda group: ())


def ended(words):
    """Run the command and return the exit status."""
    with pytest.raises(SystemExit) as end:
        command_line.main(words)
    return end.value.code


def test_other_packages_add_their_commands(capsys):
    assert ended(['--help']) == 0
    listed = capsys.readouterr().out
    assert all(f'    {name} ' in listed for name in ('track', *TOOLS, *EVALUATION))


@pytest.mark.usefixtures('alone')
def test_without_other_packages_only_the_products_commands_are_listed(capsys):
    assert ended(['--help']) == 0
    listed = capsys.readouterr().out
    assert '    track ' in listed
    assert not any(f'    {name} ' in listed for name in (*TOOLS, *EVALUATION))


@pytest.mark.usefixtures('alone')
@pytest.mark.parametrize(
    ('name', 'folder'),
    [*((name, 'tools') for name in TOOLS), *((name, 'evaluation') for name in EVALUATION)],
)
def test_a_missing_command_says_how_to_get_it_in_one_line(name, folder, capsys):
    assert ended([name, '--quick']) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f'mesh_reloc: {name} is a command of mesh_reloc_{folder}')
    assert f'pip install -e {folder}' in line


def test_an_unknown_command_is_refused_in_one_line(capsys):
    assert ended(['nothing']) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "invalid choice: 'nothing'" in line


def test_it_knows_its_version(capsys):
    assert ended(['--version']) == 0
    assert capsys.readouterr().out == 'mesh_reloc_ros 0.1.0\n'


def test_a_missing_package_is_reported_in_one_line(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, 'mesh_reloc_ros.cli.track', raising=False)
    monkeypatch.delattr('mesh_reloc_ros.cli.track', raising=False)
    monkeypatch.setitem(sys.modules, 'numpy', None)
    assert ended(['track']) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert 'package numpy is not installed' in line
    assert 'make setup' in line


def test_a_reader_that_has_seen_enough_is_no_error():
    """As head, in `mesh_reloc params | head`."""
    program = [sys.executable, '-m', 'mesh_reloc_ros.cli.main', 'params']
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b''
        assert process.wait(LONG_S) == 0
