"""Deprecated names and choices of settings are accepted, each with a warning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mesh_reloc_ros.config.declaration import Setting
from mesh_reloc_ros.errors import InputError


def without_deprecated(
    settings: Iterable[Setting], values: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Replace deprecated names and choices by the current ones.

    :param values: values by dotted name; names that are no settings stay as they are.
    :return: the values by current name, and one line of warning for each that was replaced.
    :raises InputError: two of the names of one setting are given.
    """
    settings = tuple(settings)
    by_name = {setting.name: setting for setting in settings}
    by_name |= {former: setting for setting in settings for former in setting.deprecated_names}
    current: dict[str, Any] = {}
    sources: dict[str, str] = {}
    warnings: list[str] = []
    for given, value in values.items():
        setting = by_name.get(given)
        name = given if setting is None else setting.name
        if name in sources:
            raise InputError(
                f'parameters {sources[name]} and {given} are the same setting: give {name} only'
            )
        sources[name] = given
        current[name] = value if setting is None else _current_choice(setting, value)
        if current[name] is not value:
            warnings.append(
                f'parameter {given}: {value} is deprecated: use {name}: {current[name]}'
            )
        elif name != given:
            warnings.append(f'parameter {given} is deprecated: use {name}')
    return current, warnings


def _current_choice(setting: Setting, value: Any) -> Any:
    return setting.deprecated_choices.get(value, value) if isinstance(value, str) else value
