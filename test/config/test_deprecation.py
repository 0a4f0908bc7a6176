"""Deprecated names and choices of settings."""

from dataclasses import dataclass

import pytest

from mesh_reloc_ros.config.declaration import group, setting, settings_of
from mesh_reloc_ros.config.deprecation import without_deprecated
from mesh_reloc_ros.config.parameters import PARAMETERS
from mesh_reloc_ros.errors import InputError


@dataclass(frozen=True)
class Kettle:
    capacity: float = setting(1.5, 'How much it holds.', deprecated_names=('volume', 'size'))


@dataclass(frozen=True)
class Kitchen:
    heat: str = setting(
        'gas',
        'What heats.',
        choices=('gas', 'wood'),
        deprecated_names=('stove',),
        deprecated_choices={'timber': 'wood'},
    )
    kettle: Kettle = group(Kettle(), 'What boils.')


SETTINGS = tuple(settings_of(Kitchen))


def test_current_names_and_names_of_others_pass_without_a_warning():
    values = {'heat': 'gas', 'kettle.capacity': 2.0, 'use_sim_time': True, 'volume': 3}
    assert without_deprecated(SETTINGS, values) == (values, [])


@pytest.mark.parametrize(
    ('given', 'current', 'warning'),
    [
        ({'stove': 'gas'}, {'heat': 'gas'}, 'parameter stove is deprecated: use heat'),
        (
            {'kettle.size': 2},
            {'kettle.capacity': 2},
            'parameter kettle.size is deprecated: use kettle.capacity',
        ),
        (
            {'heat': 'timber'},
            {'heat': 'wood'},
            'parameter heat: timber is deprecated: use heat: wood',
        ),
        (
            {'stove': 'timber'},
            {'heat': 'wood'},
            'parameter stove: timber is deprecated: use heat: wood',
        ),
        # What has the wrong type is refused later, where the value is checked.
        ({'stove': ['timber']}, {'heat': ['timber']}, 'parameter stove is deprecated: use heat'),
    ],
)
def test_a_deprecated_name_or_choice_is_replaced_with_one_warning(given, current, warning):
    assert without_deprecated(SETTINGS, given) == (current, [warning])


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'stove': 'gas', 'heat': 'gas'}, 'stove and heat are the same setting: give heat only'),
        ({'heat': 'gas', 'stove': 'gas'}, 'heat and stove are the same setting: give heat only'),
        ({'kettle.size': 1, 'kettle.volume': 1}, 'give kettle.capacity only'),
    ],
)
def test_two_names_of_one_setting_are_refused(values, words):
    with pytest.raises(InputError, match=words):
        without_deprecated(SETTINGS, values)


def test_no_deprecated_name_or_choice_is_a_current_one():
    names = list(PARAMETERS)
    for parameter in PARAMETERS.values():
        names += parameter.deprecated_names
        assert not set(parameter.deprecated_choices) & set(parameter.choices)
        assert set(parameter.deprecated_choices.values()) <= set(parameter.choices)
    assert len(names) == len(set(names))
