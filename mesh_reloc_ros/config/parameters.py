"""All parameters together: those of the node, then those of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.config.declaration import Setting, build, groups_of, settings_of
from mesh_reloc_ros.config.node import NodeSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.types.pose import pose_from_numbers

PARAMETERS: dict[str, Setting] = {
    setting.name: setting for setting in (*settings_of(NodeSettings), *settings_of(Settings))
}
"""Every parameter by its dotted name."""

GROUPS: dict[str, str] = groups_of(NodeSettings) | groups_of(Settings)
"""The description of each group of parameters, by name."""


def build_settings(values: Mapping[str, Any]) -> tuple[NodeSettings, Settings]:
    """Return the settings of node and pipeline with the given values, by dotted name.

    :raises InputError: a value has the wrong type or is out of range, or two contradict each other.
    """
    node, pipeline = build(NodeSettings, values), build(Settings, values)
    initial_pose(node)
    if node.initialization == 'global' and not pipeline.relocalization.enabled:
        raise InputError(
            'parameter initialization: global needs global relocalization: set'
            ' relocalization.enabled to true'
        )
    return node, pipeline


def initial_pose(node: NodeSettings) -> NDArray[np.float64] | None:
    """Return the pose [4, 4], map_T_camera, of the parameter `initial_pose`; None if it is empty.

    :raises InputError: not seven numbers, not finite, or a quaternion of length zero.
    """
    numbers: Sequence[float] = node.initial_pose
    if not numbers:
        return None
    try:
        return pose_from_numbers(numbers)
    except InputError as error:
        raise InputError(f'parameter initial_pose: {error}') from error
