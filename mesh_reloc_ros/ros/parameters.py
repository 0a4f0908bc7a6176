"""The node's parameters, declared from the settings' own declarations and changed while it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import numpy as np
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from numpy.typing import NDArray
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from mesh_reloc_ros.config.declaration import Setting, build, checked
from mesh_reloc_ros.config.deprecation import without_deprecated
from mesh_reloc_ros.config.node import NodeSettings
from mesh_reloc_ros.config.parameters import PARAMETERS
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.files import absolute
from mesh_reloc_ros.types.pose import pose_from_numbers

_LIVE_GROUPS = ('alignment.', 'overlay.', 'tracking.')
_LIVE = {
    'diagnostics_period',
    'image_timeout',
    'initial_pose',
    'path_length',
    'save_pose_period',
    'initialization',
    'transform_tolerance',
    'transform_timeout',
}
_READ_ONLY = {'autostart'}
_DEPRECATED_NAMES = {name for each in PARAMETERS.values() for name in each.deprecated_names}


def is_live(name: str) -> bool:
    """Whether a parameter can be changed at any time, and acts at once."""
    return name in _LIVE or name.startswith(_LIVE_GROUPS)


class NodeParameters:
    """Declares all parameters, checks every change, and holds their values as settings."""

    def __init__(self, node: Node, all_may_change: Callable[[], bool]) -> None:
        """Declare them.

        :param all_may_change: whether those that are not live can be changed, too.
        :raises InputError: a value has the wrong type or lies outside its range.
        """
        self.on_change: Callable[[NodeSettings], None] | None = None
        """Called after a change, with what was before."""
        self._node = node
        self._all_may_change = all_may_change
        self._warned: set[str] = set()
        self._values = {each.name: self._declare(each) for each in PARAMETERS.values()}
        self.node, self.pipeline = _built(self._values)
        node.add_on_set_parameters_callback(self._on_set)

    def with_current_names(self, parameters: Sequence[Parameter[Any]]) -> list[Parameter[Any]]:
        """Replace deprecated names and choices of parameters that are to be set, with a warning."""
        current = []
        for parameter in parameters:
            ((name, value),) = self._current({parameter.name: parameter.value}).items()
            current.append(Parameter(name, parameter.type_, value))
        return current

    def _current(self, values: dict[str, Any]) -> dict[str, Any]:
        """Replace deprecated names and choices; warn once of each.

        :raises InputError: one parameter is given by two names.
        """
        current, warnings = without_deprecated(PARAMETERS.values(), values)
        for warning in warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                self._node.get_logger().warning(warning)
        return current

    def _declare(self, declared: Setting) -> Any:
        """Declare a parameter with the value that was given for it, or its default.

        :raises InputError: the value has the wrong type or is outside its range, or is given twice.
        """
        names = (declared.name, *declared.deprecated_names)
        given = {name: value for name in names if (value := self._given(name)) is not None}
        value = self._current(given).get(declared.name, declared.default)
        value = _checked(declared, value)
        self._node.declare_parameter(
            declared.name, value, descriptor(declared), ignore_override=True
        )
        return value

    def _given(self, name: str) -> Any:
        """Return the value that a parameter was given at the start, None if it was not."""
        any_type = ParameterDescriptor(dynamic_typing=True)
        value = self._node.declare_parameter(name, None, any_type).value
        self._node.undeclare_parameter(name)
        return value

    def unknown(self, *, of_qos: bool) -> list[str]:
        """Return the names of given parameters that the node does not have, misspelt ones say.

        :param of_qos: QoS overrides alone, which publishers and subscriptions declare when they are
            made; else all others.
        """
        # rclpy has no public way to the parameters that were given and not declared.
        given = getattr(self._node, '_parameter_overrides', {})
        return sorted(
            name
            for name in given
            if not (self._node.has_parameter(name) or name in _DEPRECATED_NAMES)
            and name.startswith('qos_overrides.') == of_qos
        )

    def _on_set(self, parameters: list[Parameter[Any]]) -> SetParametersResult:
        """Take changed values over, all or none; the reason tells why not."""
        values, before = dict(self._values), self.node
        try:
            names = [parameter.name for parameter in parameters]
            for parameter in parameters:
                if names.count(parameter.name) > 1:
                    raise InputError(f'parameter {parameter.name} is given twice')
                if parameter.name in PARAMETERS:
                    values[parameter.name] = self._changed(parameter)
            self.node, pipeline = _built(values)
        except InputError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._values = values
        if pipeline != self.pipeline:
            # Who uses it sees by its identity that it has changed.
            self.pipeline = pipeline
        if self.on_change is not None:
            self.on_change(before)
        return SetParametersResult(successful=True)

    def _changed(self, parameter: Parameter[Any]) -> Any:
        """Return a changed value.

        :raises InputError: it is not a right one, or cannot be changed in this state.
        """
        name = parameter.name
        if parameter.type_ == Parameter.Type.NOT_SET and self._values[name] != []:
            raise InputError(f'parameter {name} cannot be without a value')
        value = _checked(PARAMETERS[name], parameter.value)
        if value == self._values[name] or is_live(name) or self._all_may_change():
            return value
        raise InputError(
            f'parameter {name} is read when the node is configured: deactivate it and clean it up'
            ' before (ros2 lifecycle set), or start it anew'
        )


def _built(values: dict[str, Any]) -> tuple[NodeSettings, Settings]:
    """Return the values as settings.

    :raises InputError: one lies outside its range, or some do not go together.
    """
    node = build(NodeSettings, values)
    initial_pose(node.initial_pose)
    if not node.map_frame:
        raise InputError('parameter map_frame is empty: name the frame of the mesh')
    for name in ('map_frame', 'camera_frame', 'odom_frame'):
        frame = getattr(node, name)
        if frame.startswith('/'):
            raise InputError(
                f'parameter {name}: frames begin without a slash: {frame.lstrip("/")!r}'
            )
    if node.has_odometry and node.odom_frame in ('', node.map_frame):
        raise InputError(
            f'parameter odom_frame: {node.odom_frame!r} is not a frame beside map_frame: name the'
            ' frame that the odometry publishes'
        )
    if node.use_odometry and node.publish_tf == 'map_camera':
        raise InputError(
            'parameter use_odometry: with publish_tf map_camera the camera would get two parents in'
            ' TF: set publish_tf to map_odom or none'
        )
    pipeline = build(Settings, values)
    if node.initialization == 'global' and not pipeline.relocalization.enabled:
        raise InputError(
            'parameter initialization: global needs global relocalization: set'
            ' relocalization.enabled to true'
        )
    return node, pipeline


def _checked(declared: Setting, value: Any) -> Any:
    """Return a value as rclpy has it in the type of its setting.

    :raises InputError: it is of another type or outside its range.
    """
    if isinstance(declared.default, list) and not isinstance(value, (str, bytes)):
        # An empty list in a parameter file arrives as no value at all, others as arrays.
        value = [] if value is None else list(value) if hasattr(value, '__iter__') else value
    return checked(declared, value)


def descriptor(declared: Setting) -> ParameterDescriptor:
    """Return what a parameter says of itself: description, unit, range, choices, when it acts."""
    unit = f' [{declared.unit}]' if declared.unit else ''
    constraints = [f'one of: {", ".join(declared.choices)}'] if declared.choices else []
    if not is_live(declared.name):
        constraints.append('read when the node is configured')
    message = ParameterDescriptor(
        description=f'{declared.description}{unit}',
        additional_constraints='; '.join(constraints),
        read_only=declared.name in _READ_ONLY,
        dynamic_typing=True,
    )
    if declared.minimum is not None and declared.maximum is not None:
        low, high = declared.minimum, declared.maximum
        if isinstance(declared.default, int):
            message.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
        else:
            message.floating_point_range = [
                FloatingPointRange(from_value=float(low), to_value=float(high))
            ]
    return message


def mesh_path(mesh: str) -> Path:
    """Return the absolute path of the parameter `mesh`.

    :raises InputError: it is empty, names a package that is not installed, or is another URL.
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
        # Where no installation was sourced, OSError.
        except (PackageNotFoundError, ValueError, OSError) as error:
            raise InputError(f'parameter mesh: {mesh}: no package {url.netloc!r} found') from error
        return Path(share) / unquote(url.path).lstrip('/')
    if url.scheme == 'file' and url.netloc in ('', 'localhost') and url.path.startswith('/'):
        return Path(unquote(url.path))
    if url.scheme == 'file' or '://' in mesh:
        raise InputError(
            f'parameter mesh: {mesh}: give a path, file:///path/to/mesh.obj or'
            ' package://name/mesh.obj'
        )
    return absolute(mesh, 'parameter mesh')


def mesh_url(mesh: str, path: Path) -> str:
    """Return the URL under which RViz finds the mesh, which may run on another machine.

    :param mesh: the parameter.
    :param path: what it stands for, see `mesh_path`.
    """
    return mesh if mesh.startswith('package://') else path.as_uri()


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
