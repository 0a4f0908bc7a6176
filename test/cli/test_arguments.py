"""Arguments that several commands share: parameter files, and deprecated names."""

import argparse

import pytest

from mesh_reloc_ros.cli.arguments import settings_of_arguments
from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.errors import InputError


def given(tmp_path, *lines: str) -> argparse.Namespace:
    """Return the arguments of a command with a parameter file."""
    file = tmp_path / 'parameters.yaml'
    file.write_text('\n    '.join(['/**:\n  ros__parameters:', *lines]))
    return argparse.Namespace(params=file)


def test_a_parameter_file_may_use_deprecated_names_with_a_warning(tmp_path, capsys):
    arguments = given(tmp_path, 'tracking: {min_score_to_enter: 0.9}', 'child_frame: eye')
    assert settings_of_arguments(arguments, ()).tracking.acquisition_min_score == 0.9
    assert capsys.readouterr().err.splitlines() == [
        f'parameter file {arguments.params}: parameter {name} is deprecated: use {current}'
        for name, current in (
            ('tracking.min_score_to_enter', 'tracking.acquisition_min_score'),
            ('child_frame', 'camera_frame'),
        )
    ]


def test_a_parameter_file_with_both_names_of_a_setting_is_refused(tmp_path):
    arguments = given(tmp_path, 'alignment: {covariance_scale: 1.0, map_error_scale: 2.0}')
    with pytest.raises(InputError, match=r'give alignment\.map_error_scale only'):
        settings_of_arguments(arguments, ())


TRACK = ['track', '--mesh', 'room.obj', '--bag', 'drive', '--output', 'out.tum']


def test_a_deprecated_option_stands_for_the_current_one_with_a_warning(capsys):
    assert main([*TRACK, '--views', 'nowhere']) == 2
    assert capsys.readouterr().err.splitlines() == [
        'mesh_reloc track: --views is deprecated: use --reference-cameras',
        'mesh_reloc track: reference cameras nowhere: no such file',
    ]


def test_a_deprecated_option_beside_the_current_one_is_refused_and_is_not_in_the_help(capsys):
    with pytest.raises(SystemExit) as end:
        main([*TRACK, '--reference-cameras', 'a', '--views', 'b'])
    assert end.value.code == 2
    assert '--views: not allowed with argument --reference-cameras' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(['track', '--help'])
    assert '--views' not in capsys.readouterr().out
