"""One recording with a loop, a seek and odometry: the node and `mesh_reloc track` agree on it."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import yaml
from mesh_reloc_evaluation import bag_writer
from numpy.typing import NDArray
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import CameraInfo, Image
from support.live_camera import LiveCamera
from support.odometers import exactly
from support.small_room import CAMERA, SmallRoom, error, looking, photographed, pose_at
from support.station import NodeProcess, matrix, stamp_ns
from tf2_msgs.msg import TFMessage

from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.types.pose import pose_to_numbers
from mesh_reloc_ros.types.trajectory import Trajectory

S = 10**9
BEGIN_NS = 1_700_000_000 * S
STEP_NS = S // 10
BASE_T_CAMERA = pose_at(0)
# Times of the images in seconds: a way, wound back to its middle, then to a time never seen.
WAY = [*np.arange(0.0, 2.4, 0.1), *np.arange(0.8, 1.6, 0.1), *np.arange(4.0, 4.8, 0.1)]
BLACK, LATE = 5, 12
"""Which image is black, and which comes again after the next."""
PARAMETERS = {
    # Images after a jump are found by odometry and by the poses at their times, or not at all.
    'relocalization.enabled': False,
    'tracking.restart_after': 1.0,
    'odom_frame': 'odom',
    'use_odometry': True,
    'publish_tf': 'none',
    'initial_pose': pose_to_numbers(pose_at(0)).tolist(),
    'transform_timeout': 2.0,
    'save_pose_period': 0.0,
    'diagnostics_period': 0.1,
}


def place(seconds: float) -> NDArray[np.float64]:
    """Return where the camera is at a time; after the seek too far away to be found from before."""
    if seconds < 3:
        return pose_at(14 * seconds)
    return looking((0.3 * (seconds - 3.0), -1.2, 1.4), heading_deg=45.0, down_deg=10.0)


class Shot(NamedTuple):
    """An image of the recording."""

    stamp_ns: int
    pose: NDArray[np.float64]
    image: NDArray[np.uint8]


def shots(room: SmallRoom) -> list[Shot]:
    found = []
    for number, seconds in enumerate(WAY):
        pose = place(seconds)
        image = photographed(room.view(pose), seed=number)
        if number == BLACK:
            image = np.zeros_like(image)
        found.append(Shot(BEGIN_NS + round(seconds * S), pose, image))
    return [*found[: LATE + 2], found[LATE], *found[LATE + 2 :]]


def write_recording(folder: Path, room: SmallRoom) -> Path:
    messages: list[bag_writer.Recorded] = []
    mount = bag_writer.transform(0, 'base', bag_writer.CAMERA_FRAME, BASE_T_CAMERA)
    messages.append(('/tf_static', BEGIN_NS, mount))
    for number, shot in enumerate(shots(room)):
        recorded_ns = BEGIN_NS + number * STEP_NS
        for offset_ns in (-30_000_000, 20_000_000):
            seconds = (shot.stamp_ns + offset_ns - BEGIN_NS) / S
            odom_T_base = exactly(place(seconds)) @ np.linalg.inv(BASE_T_CAMERA)
            moved = bag_writer.transform(shot.stamp_ns + offset_ns, 'odom', 'base', odom_T_base)
            messages.append(('/tf', recorded_ns, moved))
        info = bag_writer.camera_info(CAMERA, shot.stamp_ns)
        messages.append(('/camera_info', recorded_ns, info))
        messages.append(('/image_rect', recorded_ns, bag_writer.raw(shot.image, shot.stamp_ns)))
    return bag_writer.write_bag(folder, messages)


@pytest.fixture(scope='module')
def recording(room: SmallRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp('recording') / 'bag', room)


@pytest.fixture(scope='module')
def parameters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('parameters') / 'parameters.yaml'
    path.write_text(yaml.safe_dump({'/**': {'ros__parameters': PARAMETERS}}))
    return path


@pytest.fixture(scope='module')
def process(room: SmallRoom, parameters: Path) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '--params-file', str(parameters),
        '-p', f'mesh:={room.mesh}',
        # Offline there is no load.
        '-p', 'reduce_under_load:=false',
    )  # fmt: skip
    yield process
    process.kill()


def offline(room: SmallRoom, bag: Path, parameters: Path, folder: Path, *more: str) -> Trajectory:
    """Return the trusted poses of `mesh_reloc track`."""
    arguments = {
        '--mesh': room.mesh,
        '--bag': bag,
        '--params': parameters,
        '--initial-pose': ' '.join(map(str, PARAMETERS['initial_pose'])),
        '--output': folder / 'out.tum',
        '--report': folder / 'out.json',
    }
    words = [str(word) for pair in arguments.items() for word in pair]
    assert main(['track', *words, *more]) == 0
    return read_tum(folder / 'out.tum')


def live(camera: LiveCamera, bag: Path) -> None:
    """Play a recording to the node, each image when the one before is processed."""
    node = camera.station.node
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    tf = node.create_publisher(TFMessage, '/tf', 100)
    tf_static = node.create_publisher(TFMessage, '/tf_static', latched)
    for publisher in (tf, tf_static):
        camera.station.wait_until(
            lambda p=publisher: p.get_subscription_count() > 0, 'a subscription'
        )
    info = CameraInfo()
    with AnyReader([bag]) as reader:
        for connection, _, data in reader.messages():
            if connection.topic.startswith('/tf'):
                {'/tf': tf, '/tf_static': tf_static}[connection.topic].publish(bytes(data))
            elif connection.topic == '/camera_info':
                info = deserialize_message(bytes(data), CameraInfo)
            else:
                camera.station.spin(0.1)
                camera.send(deserialize_message(bytes(data), Image), info)
    camera.station.wait_until(
        lambda: len(camera.poses) == camera.count('poses published'), 'all poses'
    )


def test_the_same_poses_are_trusted_live_and_offline(
    room: SmallRoom, recording: Path, parameters: Path, camera: LiveCamera, tmp_path: Path
):
    expected = offline(room, recording, parameters, tmp_path, '--odom-frame', 'odom')
    live(camera, recording)
    found = [matrix(each.pose.position, each.pose.orientation) for each in camera.poses]
    stamps = [stamp_ns(pose) for pose in camera.poses]
    assert Counter(stamps) == Counter(expected.stamps_ns.tolist())
    for stamp, pose in zip(stamps, found, strict=True):
        same = [
            error(pose, other)
            for other_ns, other in zip(expected.stamps_ns, expected.poses, strict=True)
            if other_ns == stamp
        ]
        metres, degrees = min(same)
        assert metres < 0.001
        assert degrees < 0.05


def test_the_recording_needs_the_timeline_and_odometry(
    room: SmallRoom, recording: Path, parameters: Path, tmp_path: Path
):
    taken = shots(room)
    expected = offline(room, recording, parameters, tmp_path, '--odom-frame', 'odom')
    truths = {shot.stamp_ns: shot.pose for shot in taken}
    for stamp, pose in zip(expected.stamps_ns.tolist(), expected.poses, strict=True):
        assert error(pose, truths[stamp])[0] < 0.01
    frames = json.loads((tmp_path / 'out.json').read_text())['frames']
    refused = [number for number, frame in enumerate(frames) if not frame['trusted']]
    # The black image, the late one, and the first after the loop, which might be a late one.
    assert refused == [BLACK, LATE + 2, 25]
    assert frames[LATE + 2]['reason'] == 'not newer than the image before'
    without = offline(room, recording, parameters, tmp_path)
    assert without.stamps_ns.max() < BEGIN_NS + 4 * S < expected.stamps_ns.max()
