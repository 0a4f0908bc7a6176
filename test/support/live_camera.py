"""A camera that publishes images for the node and receives all that the node publishes."""

import copy
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped, TransformStamped
from numpy.typing import NDArray
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from mesh_reloc_ros.ros.publishing import publish
from support.patience import LONG_S
from support.small_room import SmallRoom, error
from support.station import (
    NodeProcess,
    Station,
    camera_info,
    image_message,
    matrix,
    stamp_ns,
)

_YEAR_NS = 365 * 24 * 3600 * 10**9
_ARRIVAL_S = 10.0
"""An image that has not arrived by then was lost."""


class LiveCamera:
    """Publishes on image_rect and camera_info, and subscribes to the node's outputs.

    A pose is always looked up by the stamp of its image: poses of earlier images may come late.
    """

    def __init__(
        self,
        station: Station,
        room: SmallRoom,
        namespace: str = '',
        image_topic: str = 'image_rect',
    ) -> None:
        self.station, self.room = station, room
        prefix = f'{namespace}/' if namespace else ''
        self._name = f'{prefix}mesh_reloc'
        create = station.node.create_publisher
        self.images = create(Image, f'{prefix}{image_topic}', 5)
        self.infos = create(CameraInfo, f'{prefix}camera_info', 5)
        self.start_poses = create(PoseWithCovarianceStamped, f'{prefix}initialpose', 5)
        self.poses = station.listen(PoseStamped, f'{self._name}/pose', 100)
        self.covariances = station.listen(
            PoseWithCovarianceStamped, f'{self._name}/pose_with_covariance', 100
        )
        self.diagnostics = station.listen(DiagnosticArray, '/diagnostics')
        self._tf = station.listen(TFMessage, '/tf', 100)
        self.newest = 0
        """Stamp of the image shown last."""
        self._truths: dict[int, NDArray[Any]] = {}
        self._awaited: int | None = None
        """Stamp of the last image that the node has to process."""
        self._done = 0
        """How many it had processed or dropped before."""
        self._info = b''
        """The camera_info that was published last, without its header."""

    def connect(self, process: NodeProcess) -> None:
        """Wait until the node is active and receives what the camera publishes."""
        process.wait_for_line('ready: ')
        for publisher in (self.images, self.infos, self.start_poses):
            self.station.wait_until(
                lambda p=publisher: p.get_subscription_count() > 0, 'a subscription'
            )
        self.wait_for_new_diagnostics()
        # Images sent before may be lost.
        self._awaited = None

    def close(self) -> None:
        """Stop publishing."""
        for publisher in (self.images, self.infos, self.start_poses):
            self.station.node.destroy_publisher(publisher)

    def call(self, service: str) -> Any:
        """Call a service of the node without arguments, and return its response."""
        return self.station.call(Trigger, f'{self._name}/{service}')

    # What the camera sends.

    def messages(self, pose: NDArray[Any], stamp: int) -> tuple[CameraInfo, Image]:
        """Return what the camera sends of the view from a pose."""
        image, info = image_message(self.room.view(pose), stamp), camera_info()
        info.header = image.header
        return info, image

    def publish(self, message: CameraInfo | Image) -> None:
        """Publish a message without waiting for the node."""
        if isinstance(message, CameraInfo):
            self._info = without_header(message)
            publish(self.station.node, self.infos.publish, message)
        else:
            self._done, self._awaited = self._count_done(), stamp_ns(message)
            publish(self.station.node, self.images.publish, message)

    def send(self, image: Image, info: CameraInfo | None = None) -> None:
        """Publish an image after its camera_info, and wait until the node has processed it."""
        info = info or camera_info()
        info.header = image.header
        if without_header(info) != self._info:
            self._publish_first(info)
        received = self.count('images received')
        self.publish(info)
        self.publish(image)
        deadline = time.monotonic() + LONG_S
        while not self.station.spin_until(self.is_processed, _ARRIVAL_S):
            assert time.monotonic() < deadline, 'the node does not process an image'
            if self.count('images received') <= received:
                # DDS loses messages where the other side does not know this one yet.
                publish(self.station.node, self.infos.publish, info)
                publish(self.station.node, self.images.publish, image)

    def _publish_first(self, info: CameraInfo) -> None:
        """Publish a camera_info until the node has it: the one before is not for the next image."""
        received, deadline = self.count('camera_info received'), time.monotonic() + LONG_S
        self.publish(info)
        while not self.station.spin_until(
            lambda: self.count('camera_info received') > received, _ARRIVAL_S
        ):
            assert time.monotonic() < deadline, 'the node does not receive camera_info'
            self.publish(info)

    def show(self, pose: NDArray[Any], stamp: int | None = None) -> int:
        """Send the view from a pose, and wait until it is processed; return its stamp."""
        stamp = self.station.next_stamp_ns() if stamp is None else stamp
        self.newest, self._truths[stamp] = stamp, pose
        # Where a recording plays again, poses of the first time do not count.
        self.poses[:] = [pose for pose in self.poses if stamp_ns(pose) != stamp]
        self.send(image_message(self.room.view(pose), stamp))
        return stamp

    def show_until(
        self,
        condition: Callable[[], object],
        pose: NDArray[Any],
        *,
        after: int | None = None,
        step_ns: int = 33_333_333,
        before_each: Callable[[NDArray[Any], int], None] = lambda pose, stamp: None,
    ) -> int:
        """Show a place, with the small motion of a held camera, until something holds.

        :param after: stamp after which those of the images begin; by default the station's.
        :param before_each: called with pose and stamp before each image.
        :returns: the stamp of the last image.
        """
        deadline = time.monotonic() + LONG_S
        number = 0
        while True:
            number += 1
            moved = pose.copy()
            # A camera that sends one image again and again is taken for frozen.
            moved[0, 3] += 0.002 * np.sin(number)
            stamp = self.station.next_stamp_ns() if after is None else after + number * step_ns
            before_each(moved, stamp)
            self.show(moved, stamp)
            if self.station.spin_until(lambda: bool(condition()), 0.1):
                return stamp
            assert time.monotonic() < deadline, 'images were shown in vain'

    def show_until_found(self, pose: NDArray[Any], after: int | None = None) -> int:
        """Show a place until the node publishes a pose of one of these images.

        :returns: the stamp of that pose.
        """
        shown: set[int] = set()

        def found() -> list[int]:
            shown.add(self.newest)
            return [stamp for stamp in self.stamps() if stamp in shown]

        self.show_until(found, pose, after=after)
        return found()[0]

    # What the node publishes.

    def stamps(self) -> list[int]:
        """Return the stamps of all poses so far."""
        return [stamp_ns(pose) for pose in self.poses]

    def wait_for_pose(self, stamp: int) -> NDArray[Any]:
        """Return the pose [4, 4] of the image with a stamp, once it is there."""
        pose = self.station.wait_for_stamp(self.poses, stamp).pose
        return matrix(pose.position, pose.orientation)

    def wait_for_error(self, stamp: int) -> tuple[float, float]:
        """Return how far the pose of an image is from where it was shown; metres, degrees."""
        return error(self.wait_for_pose(stamp), self._truths[stamp])

    def view_of(self, stamp: int) -> NDArray[Any]:
        """Return the image [H, W, 3] that was shown with a stamp."""
        return self.room.view(self._truths[stamp])

    def transforms(self, child: str | None = None) -> list[TransformStamped]:
        """Return the transforms to a frame, or all, in the order of their arrival."""
        heard = [t for message in self._tf for t in message.transforms]
        return [t for t in heard if child in (None, t.child_frame_id)]

    def wait_for_transform(self, stamp: int, child: str = 'camera_optical') -> TransformStamped:
        """Return the transform to a frame with a stamp, once it is there."""

        def stamps() -> list[int]:
            return [stamp_ns(transform) for transform in self.transforms(child)]

        self.station.wait_until(lambda: stamp in stamps(), f'the transform to {child}')
        return self.transforms(child)[stamps().index(stamp)]

    def published(self) -> tuple[int, int]:
        """Return how many poses and transforms the node has published for the images so far."""
        self.station.wait_until(self.is_processed, 'the node to process the last image')
        return self.count('poses published'), self.count('transforms published')

    def status(self, part: str = 'tracking') -> DiagnosticStatus:
        """Return the newest status of the node in the diagnostics."""
        return self._statuses()[f'{self._name.strip("/")}: {part}']

    def value(self, key: str) -> str:
        """Return the newest value of that name, of whatever status."""
        return self._values()[key]

    def count(self, key: str) -> int:
        """Return the newest number of that name; 0 while the node is not active."""
        return int(self._values().get(key, 0))

    def is_processed(self) -> bool:
        """Whether the image sent last is the last that the node has processed."""
        # A stamp may be sent twice.
        is_new = self._count_done() > self._done
        return self._awaited is None or (is_new and self.count('last image [ns]') == self._awaited)

    def _count_done(self) -> int:
        return self.count('images processed') + self.count('images dropped')

    def wait_for_state(self, text: str) -> None:
        """Wait until the first status contains a text."""
        self.station.wait_until(lambda: text in self.status().message, text)

    def wait_for_new_diagnostics(self) -> None:
        """Wait for diagnostics that the node publishes from now on."""
        now = time.time_ns()

        def are_new() -> bool:
            ages_ns = [now - stamp_ns(m) for m in self.diagnostics if self._is_of_the_node(m)]
            # Those of a node on simulated time seem to be of another year.
            return any(age_ns < 0 or age_ns > _YEAR_NS for age_ns in ages_ns)

        self.station.wait_until(are_new, 'diagnostics')

    def _values(self) -> dict[str, str]:
        return {v.key: v.value for status in self._statuses().values() for v in status.values}

    def _statuses(self) -> dict[str, DiagnosticStatus]:
        for message in reversed(self.diagnostics):
            if self._is_of_the_node(message):
                return {status.name: status for status in message.status}
        return {}

    def _is_of_the_node(self, message: DiagnosticArray) -> bool:
        names = {status.name for status in message.status}
        return f'{self._name.strip("/")}: tracking' in names


def without_header(info: CameraInfo) -> bytes:
    """Return what a camera_info says of the camera."""
    bare = copy.copy(info)
    bare.header = Header()
    return serialize_message(bare)
