"""What is installed: the version, and what to do about a missing package."""

from __future__ import annotations

import importlib.metadata
import sys

from mesh_reloc_ros.errors import InputError

_OF_ROS = ('rclpy', 'tf2_ros', 'cv_bridge', 'ament_index_python')


def version() -> str:
    """Return the version of this package, '' if it is not installed but run from its sources."""
    try:
        return importlib.metadata.version('mesh_reloc_ros')
    except importlib.metadata.PackageNotFoundError:
        return ''


def missing(error: ModuleNotFoundError) -> InputError:
    """Return what to do about a package that cannot be imported."""
    package = (error.name or '').partition('.')[0]
    if package in _OF_ROS or package.endswith(('_msgs', '_interfaces', '_srvs')):
        advice = 'source the setup.bash of ROS 2 and of the workspace'
    else:
        advice = (
            'run make setup, source .venv/bin/activate, and build with python3 -m colcon build'
            ' (docs/installation.md)'
        )
    return InputError(
        f'the Python package {package} is not installed for {sys.executable}: {advice}'
    )
