"""The node with a mesh far from zero: poses in the map, and a frame near the mesh for RViz."""

import dataclasses
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from mesh_reloc_evaluation.obj_file import write_obj
from rclpy.qos import DurabilityPolicy, QoSProfile
from support.live_camera import LiveCamera
from support.small_room import error, pose_at, small_room_mesh
from support.station import NodeProcess, Station, start_at
from tf2_msgs.msg import TFMessage

from mesh_reloc_ros.types.pose import shifted

UTM = np.array([500_123.25, 4_649_776.5, 312.0])


@pytest.fixture(scope='module')
def process(tmp_path_factory) -> Iterator[NodeProcess]:
    mesh = tmp_path_factory.mktemp('far') / 'room.obj'
    write_obj(mesh, dataclasses.replace(small_room_mesh(), origin=UTM))
    process = NodeProcess(
        '-p', f'mesh:={mesh}',
        '-p', start_at(shifted(pose_at(0.3), UTM)),
        '-p', 'diagnostics_period:=0.1',
        '-p', 'relocalization.enabled:=false',
        '-p', 'save_pose_period:=0.0',
    )  # fmt: skip
    yield process
    process.kill()


def test_poses_and_tf_are_in_the_map(process: NodeProcess, camera: LiveCamera, station: Station):
    process.wait_for_line('far from zero')
    latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    static = station.listen(TFMessage, '/tf_static', latched)
    stamp = camera.show(pose_at(0))
    pose = camera.wait_for_pose(stamp)
    assert error(pose, shifted(pose_at(0), UTM))[0] < 0.01
    transform = camera.wait_for_transform(stamp, 'camera_optical').transform.translation
    np.testing.assert_allclose((transform.x, transform.y, transform.z), pose[:3, 3], atol=1e-6)
    station.wait_until(lambda: static, 'the static transform')
    (local,) = static[0].transforms
    assert (local.header.frame_id, local.child_frame_id) == ('map', 'map_local')
    origin = local.transform.translation
    assert np.abs(np.array([origin.x, origin.y, origin.z]) - UTM).max() < 5


def test_it_ends_with_status_zero(process: NodeProcess):
    assert process.end(signal.SIGINT) == 0
    assert not process.count('Traceback')
