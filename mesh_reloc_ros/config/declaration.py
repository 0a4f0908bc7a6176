"""Settings declared once, as dataclass fields with a description, a unit and a range.

ROS parameters, the parameter file and the documentation are generated from these declarations. A
group of settings is a frozen dataclass; nested groups give the dotted names of ROS parameters.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from mesh_reloc_ros.errors import InputError

Group = TypeVar('Group')


@dataclass(frozen=True)
class Setting:
    """One setting as it was declared."""

    name: str
    """Dotted: `group.name`."""
    default: Any
    description: str
    unit: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    live: bool
    """Whether a change takes effect at once while the node runs."""
    read_only: bool
    """Whether it can be set at the start only."""
    deprecated_names: tuple[str, ...]
    """Dotted names that are accepted with a warning."""
    deprecated_choices: Mapping[str, str]
    """The choices that replace deprecated ones, which are accepted with a warning."""


def setting(
    default: Any,
    description: str,
    *,
    unit: str = '',
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    live: bool = False,
    read_only: bool = False,
    deprecated_names: tuple[str, ...] = (),
    deprecated_choices: Mapping[str, str] = MappingProxyType({}),
) -> Any:
    """Declare a dataclass field that is a setting. Ranges include their ends.

    :param live: whether a change takes effect at once while the node runs.
    :param read_only: whether it can be set at the start only.
    :param deprecated_names: former names, without the name of the group.
    :param deprecated_choices: former choices, each with the choice that replaces it.
    """
    metadata = {
        'description': description,
        'unit': unit,
        'minimum': minimum,
        'maximum': maximum,
        'choices': choices,
        'live': live,
        'read_only': read_only,
        'deprecated_names': deprecated_names,
        'deprecated_choices': deprecated_choices,
    }
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def group(default: Any, description: str, *, live: bool = False) -> Any:
    """Declare a dataclass field that is a group of settings.

    :param default: the group with its defaults. :param live: whether all its settings are live.
    """
    return dataclasses.field(default=default, metadata={'description': description, 'live': live})


def settings_of(group_type: type, prefix: str = '', *, live: bool = False) -> Iterator[Setting]:
    """Yield every setting of a dataclass and of its groups, in order of declaration.

    :param live: whether all of them are live.
    """
    for field in dataclasses.fields(group_type):
        default = _default_of(field)
        are_live = live or field.metadata['live']
        if dataclasses.is_dataclass(default):
            yield from settings_of(type(default), f'{prefix}{field.name}.', live=are_live)
        else:
            yield dataclasses.replace(_setting_of(field, prefix), live=are_live)


def groups_of(group_type: type) -> dict[str, str]:
    """Return the description of each group in a dataclass, by name."""
    return {
        field.name: field.metadata['description']
        for field in dataclasses.fields(group_type)
        if dataclasses.is_dataclass(_default_of(field))
    }


def build(group_type: type[Group], values: Mapping[str, Any], prefix: str = '') -> Group:
    """Make a group from values by dotted name; missing names keep their default.

    :raises InputError: a value has the wrong type, is out of range, or does not fit the others.
    """
    arguments: dict[str, Any] = {}
    for field in dataclasses.fields(group_type):  # type: ignore[arg-type]
        name, default = f'{prefix}{field.name}', _default_of(field)
        if dataclasses.is_dataclass(default):
            arguments[field.name] = build(type(default), values, f'{name}.')
        elif name in values:
            arguments[field.name] = checked(_setting_of(field, prefix), values[name])
    return group_type(**arguments)


def checked(declared: Setting, value: Any) -> Any:
    """Return `value` in the type of the setting's default.

    :raises InputError: wrong type, out of range, or not one of the choices.
    """
    wanted = type(declared.default)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if wanted is list and value in (None, 'null'):
        # As `ros2 param dump` writes an empty list.
        value = []
    if wanted is list and isinstance(value, (tuple, list)):
        value = [float(item) if isinstance(item, (int, float)) else item for item in value]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise InputError(f'parameter {declared.name}: expected {wanted.__name__}, got {value!r}')
    if declared.choices and value not in declared.choices:
        raise InputError(
            f'parameter {declared.name}: expected one of {", ".join(declared.choices)},'
            f' got {value!r}'
        )
    if wanted in (int, float):
        _check_range(declared, value)
    return value


def _check_range(declared: Setting, value: float) -> None:
    low = -math.inf if declared.minimum is None else declared.minimum
    high = math.inf if declared.maximum is None else declared.maximum
    if not (math.isfinite(value) and low <= value <= high):
        unit = f' {declared.unit}' if declared.unit else ''
        raise InputError(
            f'parameter {declared.name}: {value!r} is outside {low:g} to {high:g}{unit}'
        )


def _setting_of(field: dataclasses.Field[Any], prefix: str) -> Setting:
    former = tuple(f'{prefix}{name}' for name in field.metadata['deprecated_names'])
    declared = {**field.metadata, 'deprecated_names': former}
    return Setting(name=f'{prefix}{field.name}', default=_default_of(field), **declared)


def _default_of(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    raise TypeError(f'setting {field.name} has no default')
