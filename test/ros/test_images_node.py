"""Images of all encodings, and camera_info that is late or changes, over DDS; one process."""

from array import array
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from numpy.typing import NDArray
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from support.lifecycle import configured_anew, go
from support.live_camera import LiveCamera
from support.patience import LONG_S
from support.small_room import CAMERA, SmallRoom, error, pose_at
from support.station import NodeProcess, Station, camera_info, stamped, start_at


def bayer_rggb(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mosaic = rgb[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = rgb[::2, ::2, 0], rgb[1::2, 1::2, 2]
    return mosaic


def uyvy(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    yuv = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV)
    packed = np.empty((*rgb.shape[:2], 2), np.uint8)
    packed[..., 1] = yuv[..., 0]
    packed[:, ::2, 0], packed[:, 1::2, 0] = yuv[:, ::2, 1], yuv[:, ::2, 2]
    return packed


def grey(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


ENCODED = {
    'rgb8': lambda rgb: rgb,
    'bgr8': lambda rgb: rgb[..., ::-1],
    'rgba8': lambda rgb: cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA),
    'bgra8': lambda rgb: cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA),
    'mono8': grey,
    # A camera of twelve bits.
    'mono16': lambda rgb: grey(rgb).astype(np.uint16) * 16,
    'bayer_rggb8': bayer_rggb,
    'yuv422': uyvy,
}


def image_as(encoding: str, rgb: NDArray[np.uint8], stamp_ns: int) -> Image:
    pixels = np.ascontiguousarray(ENCODED[encoding](rgb))
    height, width = pixels.shape[:2]
    message = Image(height=height, width=width, encoding=encoding, step=pixels.nbytes // height)
    message.data = array('B', pixels.tobytes())
    return stamped(message, stamp_ns)


@pytest.fixture(scope='module')
def process(room: SmallRoom) -> Iterator[NodeProcess]:
    process = NodeProcess(
        '-p', f'mesh:={room.mesh}',
        '-p', start_at(pose_at(0)),
        '-p', 'relocalization.enabled:=false',
        '-p', 'save_pose_period:=0.0',
        '-p', 'diagnostics_period:=0.1',
        '-r', 'image_rect:=image_raw',
        '-r', 'image_rect/compressed:=image_raw/compressed',
    )  # fmt: skip
    yield process
    process.kill()


@pytest.fixture(scope='module')
def camera(process: NodeProcess, station: Station, room: SmallRoom) -> Iterator[LiveCamera]:
    camera = LiveCamera(station, room, image_topic='image_raw')
    camera.connect(process)
    yield camera
    camera.close()


def step_of(number: int) -> float:
    """Return a place near the start, another one for each image."""
    return 0.3 * np.sin(number)


def test_an_image_before_any_camera_info_is_not_tracked(camera: LiveCamera, process: NodeProcess):
    _, image = camera.messages(pose_at(0), camera.station.next_stamp_ns())
    camera.publish(image)
    process.wait_for_line('waiting for camera_info')
    camera.wait_for_state('waiting for camera_info')
    assert camera.published() == (0, 0)


def test_a_camera_info_just_after_its_image_is_in_time(camera: LiveCamera):
    stamps: set[int] = set()
    # On a busy machine one may come too late.
    while not camera.station.spin_until(lambda: stamps & set(camera.stamps()), 1.0):
        assert len(stamps) < LONG_S
        stamps.add(camera.station.next_stamp_ns())
        info, image = camera.messages(pose_at(step_of(len(stamps))), max(stamps))
        camera.publish(image)
        camera.publish(info)


@pytest.mark.parametrize('encoding', ENCODED)
def test_every_encoding_is_tracked(camera: LiveCamera, encoding: str):
    camera.call('reset')
    for number in range(2):
        stamp = camera.station.next_stamp_ns()
        truth = pose_at(step_of(number))
        camera.send(image_as(encoding, camera.room.view(truth), stamp))
        distance, angle = error(camera.wait_for_pose(stamp), truth)
        assert distance < 0.01
        assert angle < 0.3


def test_a_camera_info_that_changes_in_flight_goes_with_its_image(camera: LiveCamera):
    camera.call('reset')
    full = camera.show(pose_at(0))
    camera.wait_for_pose(full)
    # Binned from the next image on, whose camera_info comes before the image before it.
    stamps = camera.station.next_stamp_ns(), camera.station.next_stamp_ns()
    info, image = camera.messages(pose_at(0.1), stamps[0])
    small = cv2.resize(camera.room.view(pose_at(0.2)), None, fx=0.5, fy=0.5, interpolation=3)
    binned_image = image_as('rgb8', small, stamps[1])
    binned_info = camera_info()
    binned_info.binning_x = binned_info.binning_y = 2
    binned_info.header = binned_image.header
    received = camera.count('camera_info received')
    camera.publish(info)
    camera.publish(binned_info)
    camera.station.wait_until(
        lambda: camera.count('camera_info received') == received + 2, 'both camera_info'
    )
    camera.publish(image)
    camera.wait_for_pose(stamps[0])
    camera.publish(binned_image)
    distance, _ = error(camera.wait_for_pose(stamps[1]), pose_at(0.2))
    assert distance < 0.02


def test_a_camera_info_that_was_published_once_and_before_serves(
    camera: LiveCamera, process: NodeProcess, station: Station
):
    assert go(station, Transition.TRANSITION_DEACTIVATE)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    station.node.destroy_publisher(camera.infos)
    infos = station.node.create_publisher(CameraInfo, 'camera_info', latched)
    infos.publish(camera_info())
    assert go(station, Transition.TRANSITION_ACTIVATE)
    stamps: set[int] = set()
    while not station.spin_until(lambda: stamps & set(camera.stamps()), 0.5):
        assert len(stamps) < 2 * LONG_S
        stamps.add(station.next_stamp_ns())
        camera.publish(camera.messages(pose_at(0.01 * len(stamps)), max(stamps))[1])
    station.node.destroy_publisher(infos)
    camera.infos = station.node.create_publisher(CameraInfo, 'camera_info', 5)
    camera.connect(process)
    # The node subscribes again: messages published before it subscribed do not reach it.
    received = camera.count('camera_info received')
    while not station.spin_until(lambda: camera.count('camera_info received') > received, 1.0):
        camera.publish(camera_info())


def distorted() -> CameraInfo:
    info = camera_info()
    info.distortion_model = 'plumb_bob'
    info.d = array('d', [0.12, -0.02, 0.001, -0.001, 0.0])
    info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    return info


def raw_view(room: SmallRoom, pose: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return what a camera with that distortion sees."""
    info = distorted()
    matrix = np.asarray(info.k).reshape(3, 3)
    grid = np.stack(np.meshgrid(np.arange(CAMERA.width), np.arange(CAMERA.height)), -1)
    straight = cv2.undistortPoints(
        grid.reshape(-1, 1, 2).astype(np.float64), matrix, np.asarray(info.d), P=matrix
    )
    straight = straight.reshape(CAMERA.height, CAMERA.width, 2).astype(np.float32)
    return cv2.remap(room.view(pose), straight[..., 0], straight[..., 1], cv2.INTER_LINEAR)


def test_a_raw_image_is_refused_with_the_advice(camera: LiveCamera, process: NodeProcess):
    published = camera.published()
    stamp = camera.station.next_stamp_ns()
    camera.send(image_as('rgb8', raw_view(camera.room, pose_at(0)), stamp), distorted())
    line = process.wait_for_line('[ERROR]', 'image_raw')
    assert 'image_proc' in line
    assert 'rectify' in line
    camera.wait_for_state('image_raw')
    assert camera.status().level == DiagnosticStatus.ERROR
    assert camera.published() == published


def test_a_raw_image_is_rectified_where_that_is_asked_for(
    camera: LiveCamera, process: NodeProcess, station: Station
):
    configured_anew(station, process, rectify=True)
    camera.connect(process)
    for number in range(3):
        stamp = camera.station.next_stamp_ns()
        truth = pose_at(step_of(number))
        camera.send(image_as('rgb8', raw_view(camera.room, truth), stamp), distorted())
        distance, angle = error(camera.wait_for_pose(stamp), truth)
        assert distance < 0.01
        assert angle < 0.3


@pytest.mark.parametrize('kind', ['.jpg', '.png', 'grey .jpg'])
def test_compressed_images_are_tracked(
    camera: LiveCamera, process: NodeProcess, station: Station, kind: str
):
    if station.node.count_subscribers('/image_raw/compressed') == 0:
        configured_anew(station, process, rectify=False, image_transport='compressed')
    images = station.node.create_publisher(CompressedImage, 'image_raw/compressed', 5)
    station.wait_until(lambda: images.get_subscription_count() > 0, 'a subscription')
    camera.call('reset')
    stamp = station.next_stamp_ns()
    view = cv2.cvtColor(camera.room.view(pose_at(0.2)), cv2.COLOR_RGB2BGR)
    if kind.startswith('grey'):
        view = cv2.cvtColor(view, cv2.COLOR_BGR2GRAY)
    _, data = cv2.imencode(kind.split()[-1], view)
    message = CompressedImage(format=kind[1:], data=array('B', data.tobytes()))
    stamped(message, stamp)
    info = camera_info()
    info.header = message.header
    camera.infos.publish(info)
    images.publish(message)
    distance, _ = error(camera.wait_for_pose(stamp), pose_at(0.2))
    assert distance < 0.01
    station.node.destroy_publisher(images)


def test_an_image_of_a_size_that_camera_info_does_not_say_is_refused(
    camera: LiveCamera, process: NodeProcess, station: Station
):
    configured_anew(station, process, image_transport='raw')
    camera.connect(process)
    camera.wait_for_pose(camera.show(pose_at(0)))
    half = replace(CAMERA, width=CAMERA.width // 2)
    view = camera.room.view(pose_at(0))[:, : half.width]
    camera.send(image_as('rgb8', view, station.next_stamp_ns()))
    process.wait_for_line('[ERROR]', '160x240 but camera_info says', '320x240')
    camera.wait_for_pose(camera.show(pose_at(0.1)))
