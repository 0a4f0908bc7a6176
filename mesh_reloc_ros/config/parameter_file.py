"""ROS 2 parameter files as values by dotted name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mesh_reloc_ros.errors import InputError


def read_parameter_file(path: Path) -> dict[str, Any]:
    """Read a ROS 2 parameter file (`/**: ros__parameters:`) as values by dotted name.

    :raises InputError: the file cannot be read or has no `ros__parameters`.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = ' '.join(str(error).split())
        raise InputError(f'parameter file {path} cannot be read: {reason}') from error
    values: dict[str, Any] = {}
    for node in content.values() if isinstance(content, dict) else ():
        if isinstance(node, dict) and isinstance(node.get('ros__parameters'), dict):
            values.update(_flattened(node['ros__parameters']))
    if not values:
        raise InputError(
            f'parameter file {path} has no ros__parameters: `mesh_reloc params` prints an example'
        )
    return values


def _flattened(tree: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat.update(_flattened(value, f'{prefix}{name}.'))
        else:
            flat[f'{prefix}{name}'] = value
    return flat
