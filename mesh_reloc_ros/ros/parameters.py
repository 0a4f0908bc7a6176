"""The node's parameters, declared from the settings' own declarations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import numpy as np
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from numpy.typing import NDArray
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.geometry.pose import pose_from_numbers
from mesh_reloc_ros.overlay import OverlaySettings
from mesh_reloc_ros.settings import Setting, build, checked, setting, settings_of
from mesh_reloc_ros.tracking.settings import Settings


@dataclass(frozen=True)
class NodeSettings:
    """What the node adds to the pipeline's settings."""

    mesh: str = setting(
        '',
        'Textured mesh: a path, file:// or package:// (OBJ with MTL and textures). Required.',
    )
    map_frame: str = setting('map', 'Frame of the mesh, and of the poses.')
    child_frame: str = setting(
        '',
        "Camera's optical frame in TF; empty: the frame_id of the image's header.",
    )
    publish_tf: bool = setting(
        True,
        'Publish map_frame -> camera. Switch it off where the camera has another TF parent.',
    )
    initial_pose: list[float] = setting(
        [],
        'Start pose "x y z qx qy qz qw" of the optical frame in map_frame; empty: the camera is'
        ' searched for. Write each number with a decimal point.',
        unit='m',
    )
    views: str = setting(
        '',
        'Cameras of the reconstruction, places to look for the camera at: images.bin or images.txt'
        ' of COLMAP, the folder of one, or a TUM file; empty: places all around the mesh.',
    )
    image_transport: str = setting(
        'raw',
        'raw: image_rect; compressed: image_rect/compressed.',
        choices=('raw', 'compressed'),
    )
    image_reliability: str = setting(
        'auto',
        'QoS reliability asked of the image publisher. reliable loses no large images but'
        ' gets nothing from a best-effort publisher; best_effort gets images from any, but Fast'
        ' DDS loses large ones; auto: reliable unless a publisher offers best effort alone.',
        choices=('auto', 'reliable', 'best_effort'),
    )
    image_timeout: float = setting(
        5.0,
        'Time without an image or camera_info after which a warning says why.',
        unit='s',
        minimum=0.5,
        maximum=3600.0,
    )
    diagnostics_period: float = setting(
        1.0,
        'Time from one message on /diagnostics to the next.',
        unit='s',
        minimum=0.1,
        maximum=60.0,
    )
    overlay: OverlaySettings = OverlaySettings()


def declare_parameters(node: Node) -> tuple[NodeSettings, Settings]:
    """Declare all parameters, and return their values.

    :raises InputError: a value has the wrong type or lies outside its range.
    """
    values: dict[str, Any] = {}
    for declared in (*settings_of(NodeSettings), *settings_of(Settings)):
        values[declared.name] = _declare(node, declared)
    return build(NodeSettings, values), build(Settings, values)


def _declare(node: Node, declared: Setting) -> Any:
    # Checked here first, then by rclpy: a setting takes 1 for 1.0, and says better what is wrong.
    unchecked = ParameterDescriptor(dynamic_typing=True)
    value = node.declare_parameter(declared.name, declared.default, unchecked).value
    if isinstance(declared.default, list):
        # An empty list in a parameter file arrives as no value at all.
        value = [] if value is None else list(value)
    value = checked(declared, value)
    node.set_descriptor(declared.name, descriptor(declared))
    return value


def descriptor(declared: Setting) -> ParameterDescriptor:
    """Return what a parameter says of itself: description, unit, range, choices, read-only."""
    unit = f' [{declared.unit}]' if declared.unit else ''
    choices = f'one of: {", ".join(declared.choices)}' if declared.choices else ''
    message = ParameterDescriptor(
        description=f'{declared.description}{unit}',
        additional_constraints=choices,
        read_only=True,
        dynamic_typing=True,
    )
    if declared.minimum is not None and declared.maximum is not None:
        if isinstance(declared.default, int):
            message.integer_range = [
                IntegerRange(from_value=int(declared.minimum), to_value=int(declared.maximum))
            ]
        else:
            message.floating_point_range = [
                FloatingPointRange(
                    from_value=float(declared.minimum), to_value=float(declared.maximum)
                )
            ]
    return message


def unknown_parameters(node: Node) -> list[str]:
    """Return the names of given parameters that the node does not have, misspelt ones say.

    Call it when all publishers and subscriptions are there, as they declare their QoS overrides.
    """
    # rclpy has no public way to the parameters that were given and not declared.
    given = getattr(node, '_parameter_overrides', {})
    return sorted(name for name in given if not node.has_parameter(name))


def mesh_path(mesh: str) -> Path:
    """Return the absolute path of the parameter `mesh`.

    :raises InputError: it is empty, or names a package that is not installed.
    """
    if not mesh:
        raise InputError(
            'parameter mesh is not set: give the path of the textured mesh,'
            ' --ros-args -p mesh:=/path/to/mesh.obj'
        )
    url = urlparse(mesh)
    if url.scheme == 'package':
        try:
            share = get_package_share_directory(url.netloc)
        except (PackageNotFoundError, ValueError) as error:
            raise InputError(f'parameter mesh: {mesh}: no package {url.netloc!r} found') from error
        return Path(share) / unquote(url.path).lstrip('/')
    if url.scheme == 'file':
        return Path(unquote(url.path))
    return Path(mesh).expanduser().absolute()


def initial_pose(numbers: list[float]) -> NDArray[np.float64] | None:
    """Return the pose [4, 4] of the parameter `initial_pose`, None where it is empty.

    :raises InputError: not seven numbers, not finite, or a quaternion of length zero.
    """
    if not numbers:
        return None
    try:
        return pose_from_numbers(numbers)
    except InputError as error:
        raise InputError(f'parameter initial_pose: {error}') from error
