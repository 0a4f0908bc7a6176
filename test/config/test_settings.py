"""Settings: declared once, built from values by dotted name, read from parameter files."""

from dataclasses import dataclass

import pytest

from mesh_reloc_ros.config.declaration import build, group, groups_of, setting, settings_of
from mesh_reloc_ros.config.parameter_file import read_parameter_file
from mesh_reloc_ros.errors import InputError


@dataclass(frozen=True)
class Kettle:
    volume: float = setting(1.5, 'How much it holds.', unit='l', minimum=0.5, maximum=3.0)
    cups: int = setting(4, 'How many it serves.', minimum=1, maximum=10)


@dataclass(frozen=True)
class Kitchen:
    stove: str = setting('gas', 'What heats.', choices=('gas', 'wood'), read_only=True)
    open: bool = setting(True, 'Whether guests may come in.', live=True)
    place: list = setting([0.0, 1.0], 'Where it is.', unit='m')
    kettle: Kettle = group(Kettle(), 'What boils.', live=True)


def test_settings_come_in_order_with_dotted_names_and_all_that_was_declared():
    declared = list(settings_of(Kitchen))
    assert [each.name for each in declared] == [
        'stove',
        'open',
        'place',
        'kettle.volume',
        'kettle.cups',
    ]
    volume = declared[3]
    assert volume.default == 1.5
    assert volume.description == 'How much it holds.'
    assert (volume.unit, volume.minimum, volume.maximum) == ('l', 0.5, 3.0)
    assert declared[0].choices == ('gas', 'wood')
    assert [each.live for each in declared] == [False, True, False, True, True]
    assert [each.read_only for each in declared] == [True, False, False, False, False]
    assert groups_of(Kitchen) == {'kettle': 'What boils.'}


def test_what_is_left_out_keeps_its_default():
    assert build(Kitchen, {}) == Kitchen()
    assert Kitchen().place is not Kitchen().place


def test_values_reach_their_group():
    values = {'stove': 'wood', 'kettle.volume': 2, 'kettle.cups': 10, 'place': [3, 4.5]}
    kitchen = build(Kitchen, values)
    assert kitchen == Kitchen('wood', True, [3.0, 4.5], Kettle(2.0, 10))
    assert isinstance(kitchen.kettle.volume, float)
    assert all(isinstance(number, float) for number in kitchen.place)


def test_an_empty_list_may_be_written_as_ros2_param_dump_does():
    for empty in ([], (), None, 'null'):
        assert build(Kitchen, {'place': empty}).place == []


def test_ranges_include_their_ends():
    for volume in (0.5, 3.0):
        assert build(Kitchen, {'kettle.volume': volume}).kettle.volume == volume


@pytest.mark.parametrize(
    ('name', 'value', 'words'),
    [
        ('kettle.volume', 3.1, r'kettle\.volume: 3\.1 is outside 0\.5 to 3 l'),
        ('kettle.volume', 0.49, 'outside'),
        ('kettle.volume', float('nan'), 'outside'),
        ('kettle.volume', 'much', "expected float, got 'much'"),
        ('kettle.volume', True, 'expected float'),
        ('kettle.cups', 0, 'kettle.cups: 0 is outside 1 to 10'),
        ('kettle.cups', 2.0, 'expected int, got 2.0'),
        ('kettle.cups', True, 'expected int'),
        ('stove', 'solar', "stove: expected one of gas, wood, got 'solar'"),
        ('stove', 3, 'expected str'),
        ('open', 1, 'open: expected bool'),
        ('place', 1.0, 'place: expected list'),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(name, value, words):
    with pytest.raises(InputError, match=words) as refusal:
        build(Kitchen, {name: value})
    assert '\n' not in str(refusal.value)


def test_a_parameter_file_gives_values_by_dotted_name(tmp_path):
    path = tmp_path / 'parameters.yaml'
    path.write_text(
        '/**:\n  ros__parameters:\n    stove: wood\n    kettle: {volume: 2.5}\n'
        'kitchen:\n  ros__parameters:\n    open: false\n'
        '    kettle:\n      cups: 3\n      lid: {knob: round}\n'
    )
    assert read_parameter_file(path) == {
        'stove': 'wood',
        'kettle.volume': 2.5,
        'kettle.cups': 3,
        'kettle.lid.knob': 'round',
        'open': False,
    }


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (None, 'cannot be read'),
        (b'\xff\xfe\x00 not text', 'cannot be read'),
        (b'/**: [unclosed', 'cannot be read'),
        (b'', 'no ros__parameters'),
        (b'just words', 'no ros__parameters'),
        (b'alignment:\n  levels: 3\n', 'no ros__parameters'),
        (b'/**:\n  ros__parameters: 3\n', 'no ros__parameters'),
    ],
    ids=['missing', 'not text', 'not yaml', 'empty', 'a word', 'plain', 'not a table'],
)
def test_a_file_without_parameters_is_named_in_one_line(tmp_path, content, words):
    path = tmp_path / 'parameters.yaml'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=words) as refusal:
        read_parameter_file(path)
    assert str(path) in str(refusal.value)
    assert '\n' not in str(refusal.value)
