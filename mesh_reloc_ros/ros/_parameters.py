"""ROS parameters of the node, declared from the settings and checked when they change."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from mesh_reloc_ros.config.declaration import Setting, checked
from mesh_reloc_ros.config.deprecation import without_deprecated
from mesh_reloc_ros.config.parameters import PARAMETERS, build_settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.files import absolute

_DEPRECATED_NAMES = {name for each in PARAMETERS.values() for name in each.deprecated_names}


class NodeParameters:
    """Declares all parameters, checks every change, and holds the values as settings."""

    def __init__(self, node: Node) -> None:
        """Declare all parameters.

        :raises InputError: a value has the wrong type or is out of range, or some contradict each
            other.
        """
        self.is_configured = False
        """Whether the node is configured: only live parameters can change then."""
        self._node = node
        self._warned: set[str] = set()
        self._values = {each.name: self._declare(each) for each in PARAMETERS.values()}
        self.node, self.pipeline = build_settings(self._values)
        node.add_on_set_parameters_callback(self._on_set)

    def with_current_names(self, parameters: Sequence[Parameter[Any]]) -> list[Parameter[Any]]:
        """Replace deprecated names and choices in a request to set parameters, with a warning."""
        current = []
        for parameter in parameters:
            ((name, value),) = self._current({parameter.name: parameter.value}).items()
            current.append(Parameter(name, parameter.type_, value))
        return current

    def _current(self, values: dict[str, Any]) -> dict[str, Any]:
        """Replace deprecated names and choices; warn once about each.

        :raises InputError: one parameter is given by two names.
        """
        current, warnings = without_deprecated(PARAMETERS.values(), values)
        for warning in warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                self._node.get_logger().warning(warning)
        return current

    def _declare(self, declared: Setting) -> Any:
        """Declare a parameter with the value given at the start, or its default; return the value.

        :raises InputError: the value has the wrong type or is out of range, or two names are given.
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
        """Return the value given for a name at the start; None if there is none."""
        any_type = ParameterDescriptor(dynamic_typing=True)
        value = self._node.declare_parameter(name, None, any_type).value
        self._node.undeclare_parameter(name)
        return value

    def unknown(self, *, of_qos: bool) -> list[str]:
        """Return the names of given parameters that the node does not have, such as misspelt ones.

        :param of_qos: return QoS overrides only, which publishers and subscriptions declare when
            they are created; otherwise all others.
        """
        # rclpy has no public access to parameters that were given but not declared.
        given = getattr(self._node, '_parameter_overrides', {})
        return sorted(
            name
            for name in given
            if not (self._node.has_parameter(name) or name in _DEPRECATED_NAMES)
            and name.startswith('qos_overrides.') == of_qos
        )

    def _on_set(self, parameters: list[Parameter[Any]]) -> SetParametersResult:
        """Apply all changes or none; the result has the reason."""
        values = dict(self._values)
        try:
            names = [parameter.name for parameter in parameters]
            for parameter in parameters:
                if names.count(parameter.name) > 1:
                    raise InputError(f'parameter {parameter.name} is given twice')
                if parameter.name in PARAMETERS:
                    values[parameter.name] = self._changed(parameter)
            self.node, pipeline = build_settings(values)
        except InputError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._values = values
        if pipeline != self.pipeline:
            # Users of the settings detect a change by identity.
            self.pipeline = pipeline
        return SetParametersResult(successful=True)

    def _changed(self, parameter: Parameter[Any]) -> Any:
        """Return the checked new value.

        :raises InputError: it has the wrong type or is out of range, or cannot change now.
        """
        name = parameter.name
        if parameter.type_ == Parameter.Type.NOT_SET and self._values[name] != []:
            raise InputError(f'parameter {name} needs a value')
        value = _checked(PARAMETERS[name], parameter.value)
        if value == self._values[name] or PARAMETERS[name].live or not self.is_configured:
            return value
        raise InputError(
            f'parameter {name} is read when the node is configured: deactivate and clean up the'
            ' node before (ros2 lifecycle set), or restart it'
        )


def _checked(declared: Setting, value: Any) -> Any:
    """Return a value of rclpy in the type of its setting.

    :raises InputError: it has the wrong type or is out of range.
    """
    # rclpy returns arrays for lists.
    return checked(declared, list(value) if isinstance(value, array) else value)


def descriptor(declared: Setting) -> ParameterDescriptor:
    """Return the ROS description of a parameter: text, unit, range, choices, when it is read."""
    unit = f' [{declared.unit}]' if declared.unit else ''
    constraints = [f'one of: {", ".join(declared.choices)}'] if declared.choices else []
    if not declared.live:
        constraints.append('read when the node is configured')
    message = ParameterDescriptor(
        description=f'{declared.description}{unit}',
        additional_constraints='; '.join(constraints),
        read_only=declared.read_only,
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

    :raises InputError: it is empty, names a package that is not installed, or has another scheme.
    """
    if not mesh:
        raise InputError(
            'parameter mesh is not set: give the path of the textured mesh, mesh:=/path/to/mesh.obj'
            ' with ros2 launch, or --ros-args -p mesh:=/path/to/mesh.obj'
        )
    url = urlparse(mesh)
    if url.scheme == 'package':
        try:
            share = get_package_share_directory(url.netloc)
        # OSError: no installation is sourced.
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
    """Return the URL at which RViz finds the mesh, possibly on another machine.

    :param mesh: the parameter `mesh`.
    :param path: its absolute path, see `mesh_path`.
    """
    return mesh if mesh.startswith('package://') else path.as_uri()
