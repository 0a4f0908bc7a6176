"""Two rooms that look alike: the node says so to programs, and `~/set_pose` tells them apart."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseWithCovarianceStamped
from mesh_reloc_evaluation.obj_file import write_obj
from nav_msgs.srv import SetMap
from rclpy.qos import DurabilityPolicy, QoSProfile
from support.live_camera import LiveCamera
from support.small_room import looking, small_room_mesh, twice
from support.station import NodeProcess, Station

from mesh_reloc_ros.ros.conversions import pose_to_message
from mesh_reloc_ros.types.estimate import Rejection

APART_M = 100.0
PLACE = looking((0.0, 0.0, 1.3), heading_deg=0.0, down_deg=10.0)


@pytest.fixture(scope='module')
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    mesh: Path = tmp_path_factory.mktemp('twice') / 'rooms.obj'
    write_obj(mesh, twice(small_room_mesh(), APART_M))
    process = NodeProcess(
        '-p', f'mesh:={mesh}',
        '-p', 'relocalization.max_memory:=4.3',
        '-p', 'relocalization.viewpoint_spacing:=1.0',
        '-p', 'diagnostics_period:=0.1',
        '-p', 'save_pose_period:=0.0',
    )  # fmt: skip
    yield process
    process.kill()


class Status:
    """What programs hear of the node."""

    def __init__(self, station: Station) -> None:
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._heard = station.listen(DiagnosticStatus, 'mesh_reloc/status', latched)

    def __getitem__(self, key: str) -> str:
        """Return the newest value of that name, '' if there is none."""
        values = self._heard[-1].values if self._heard else []
        return {value.key: value.value for value in values}.get(key, '')


@pytest.fixture(scope='module')
def status(station: Station) -> Status:
    return Status(station)


def set_pose(station: Station, pose: np.ndarray, frame: str = 'map') -> bool:
    """Call `~/set_pose`; return whether the pose was taken."""
    message = PoseWithCovarianceStamped()
    message.header.frame_id = frame
    message.pose.pose = pose_to_message(pose)
    request = SetMap.Request(initial_pose=message)
    return bool(station.call(SetMap, 'mesh_reloc/set_pose', request).success)


def test_programs_are_told_how_many_places_look_alike(camera: LiveCamera, status: Status):
    camera.show_until(lambda: status['places alike'] == '2', PLACE)
    assert status['rejection'] == Rejection.AMBIGUOUS.name
    assert not camera.poses
    assert not camera.transforms()


def test_a_pose_by_the_service_tells_them_apart(
    camera: LiveCamera, station: Station, status: Status
):
    there = PLACE.copy()
    there[0, 3] += APART_M
    assert set_pose(station, there)
    found = camera.wait_for_pose(camera.show_until_found(PLACE))
    assert np.linalg.norm(found[:3, 3] - there[:3, 3]) < 0.02
    station.wait_until(lambda: status['state'] == 'TRACKING', 'the state')
    assert status['places alike'] == '0'


def test_a_pose_that_cannot_be_used_is_answered_and_explained(
    process: NodeProcess, station: Station
):
    assert not set_pose(station, PLACE, frame='elsewhere')
    process.wait_for_line('[ERROR]', "set_pose is in frame 'elsewhere'")
