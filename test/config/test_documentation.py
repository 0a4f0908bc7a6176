"""The generated parameter file and parameter table."""

from pathlib import Path

import pytest

from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.config.node import NodeSettings
from mesh_reloc_ros.config.parameter_file import read_parameter_file
from mesh_reloc_ros.config.parameters import GROUPS, PARAMETERS, build_settings
from mesh_reloc_ros.config.pipeline import Settings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ('file', 'options'),
    [('config/mesh_reloc.yaml', ()), ('docs/parameters.md', ('--format', 'markdown'))],
)
def test_the_files_of_the_repository_are_what_the_command_writes(file, options, tmp_path, capsys):
    """If this fails: run `mesh_reloc params [--format markdown] --output FILE`."""
    expected = (ROOT / file).read_bytes()
    assert main(['params', *options]) == 0
    assert capsys.readouterr().out.encode() == expected
    assert main(['params', *options, '--output', str(tmp_path / 'file')]) == 0
    assert (tmp_path / 'file').read_bytes() == expected


def test_a_file_that_cannot_be_written_is_named_in_one_line(tmp_path, capsys):
    assert main(['params', '--output', str(tmp_path / 'no/file')]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('mesh_reloc params: output cannot be written')
    assert 'no/file' in line


def test_the_parameter_file_has_every_parameter_with_its_default_in_its_type():
    values = read_parameter_file(ROOT / 'config/mesh_reloc.yaml')
    assert values == {name: setting.default for name, setting in PARAMETERS.items()}
    assert {name: type(value) for name, value in values.items()} == {
        name: type(setting.default) for name, setting in PARAMETERS.items()
    }
    assert build_settings(values) == (NodeSettings(), Settings())


def test_each_line_of_the_parameter_file_has_unit_range_choices_and_whether_it_is_live():
    text = (ROOT / 'config/mesh_reloc.yaml').read_text()
    for line in (
        '    autostart: true',
        '    publish_tf: map_camera  # map_camera | map_odom | none',
        '    transform_timeout: 0.1  # s, 0 to 5, live',
        '    initial_pose: []  # m, live',
        '      mode: edges  # edges | tint | side_by_side | difference, live',
        '      min_gain: 1.0e-05  # 0 to 1',
    ):
        assert f'\n{line}\n' in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_page_has_a_row_for_each_parameter_and_each_deprecated_name():
    lines = (ROOT / 'docs/parameters.md').read_text().splitlines()
    for name, setting in PARAMETERS.items():
        (row,) = (line for line in lines if line.startswith(f'| `{name}` | `'))
        assert row.endswith(f'| {setting.description} |')
        assert ('| live |' in row) == setting.live
        for former in setting.deprecated_names:
            assert f'| `{former}` | `{name}` |' in lines
    assert {line[3:] for line in lines if line.startswith('## ')} == {*GROUPS, 'Deprecated names'}
