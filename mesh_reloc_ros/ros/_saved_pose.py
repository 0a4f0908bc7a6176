"""The last trusted pose, kept in a file for the next run."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import yaml

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.files import absolute, write_text_atomically
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.pose import pose_from_numbers, pose_to_numbers


def saved_pose_file(file: str, node_name: str) -> Path:
    """Return the file that the pose is saved in.

    :param file: the parameter `saved_pose_file`; empty: a file named after the node.
    :param node_name: with its namespace.
    :raises InputError: `file` is in the home of a user who does not exist.
    """
    if file:
        return absolute(file, 'parameter saved_pose_file')
    ros_home = Path(os.environ.get('ROS_HOME') or Path.home() / '.ros')
    return ros_home / 'mesh_reloc_ros' / f'{node_name.strip("/").replace("/", ".")}.yaml'


class SavedPose:
    """Reads the pose of the run before, and writes new ones at a bounded rate."""

    def __init__(self, file: Path, mesh: Path, map_frame: str) -> None:
        """Keep poses in a mesh and its frame."""
        self.file = file
        self._lock = threading.Lock()
        self._belongs = {'mesh': str(mesh), 'map_frame': map_frame}
        self._waiting: Array | None = None
        self._written = -np.inf

    def read(self) -> Array | None:
        """Return the pose [4, 4]; None if there is no file.

        :raises InputError: it cannot be read, or belongs to another mesh or frame.
        """
        try:
            content = yaml.safe_load(self.file.read_text())
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = ' '.join(str(error).split())
            raise InputError(f'saved pose {self.file} cannot be read: {reason}') from error
        if not isinstance(content, dict) or not isinstance(content.get('pose'), list):
            raise InputError(f'saved pose {self.file} holds no pose: delete it')
        for key, value in self._belongs.items():
            if content.get(key) != value:
                raise InputError(
                    f'saved pose {self.file} is of {key} {content.get(key)!r}, not of {value!r}:'
                    ' it is left out'
                )
        try:
            return pose_from_numbers([float(number) for number in content['pose']])
        except (InputError, TypeError, ValueError) as error:
            raise InputError(f'saved pose {self.file} holds no pose: {error}') from error

    def take(self, map_T_camera: Array) -> None:
        """Let the next `write` save a pose [4, 4]. Safe to call from any thread."""
        with self._lock:
            self._waiting = map_T_camera

    def write(self, period_s: float) -> bool:
        """Write the newest pose, unless there is none or the last was written within the period.

        :returns: whether it was written.
        :raises InputError: it cannot be written.
        """
        with self._lock:
            pose = self._waiting
            if pose is None or time.monotonic() - self._written < period_s:
                return False
            self._waiting, self._written = None, time.monotonic()
        content = {
            **self._belongs,
            'pose': [round(float(number), 6) for number in pose_to_numbers(pose)],
            'saved': datetime.now(timezone.utc).isoformat(timespec='seconds'),
        }
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            write_text_atomically(self.file, yaml.safe_dump(content, sort_keys=False))
        except OSError as error:
            raise InputError(
                f'the pose cannot be saved in {self.file}: {error.strerror}; set saved_pose_file to'
                ' a file that can be written, or save_pose_period to 0'
            ) from error
        return True
