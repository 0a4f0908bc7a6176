"""A camera that shows the node images, and hears what the node says of them."""

from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from support.small_room import SmallRoom
from support.station import NodeProcess, Station, camera_info, image_message, matrix, stamp_ns

_TRIALS, _PATIENCE_S = 6, 10.0


class LiveCamera:
    """Publishes on image_rect and camera_info, and listens to all that the node says."""

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
        self.poses = station.listen(PoseStamped, f'{self._name}/pose')
        self.covariances = station.listen(
            PoseWithCovarianceStamped, f'{self._name}/pose_with_covariance'
        )
        self.transforms = station.listen(TFMessage, '/tf', 100)
        self.diagnostics = station.listen(DiagnosticArray, '/diagnostics')

    def connect(self, process: NodeProcess) -> None:
        """Wait until the node is ready and hears the camera."""
        process.wait_for_line('ready: ')
        # What is left of a node before.
        self.station.spin(0.3)
        self.diagnostics.clear()
        self.station.wait_until(lambda: bool(self._statuses()), 'diagnostics')
        for publisher in (self.images, self.infos, self.start_poses):
            self.station.wait_until(
                lambda p=publisher: p.get_subscription_count() > 0, 'a subscription'
            )

    def call(self, service: str) -> Any:
        """Call a service of the node without arguments, and return its response."""
        return self.station.call(Trigger, f'{self._name}/{service}')

    def close(self) -> None:
        """Stop publishing."""
        for publisher in (self.images, self.infos, self.start_poses):
            self.station.node.destroy_publisher(publisher)

    def send(self, image: Image, info: CameraInfo | None = None) -> None:
        """Send an image after its camera_info, and wait until the node has worked on it."""
        info = info or camera_info()
        info.header = image.header
        before = self.worked_on()
        for _ in range(_TRIALS):
            self.infos.publish(info)
            self.images.publish(image)
            # Lost where the other side has just been discovered, and does not know this one yet.
            if self.station.spin_until(lambda: self.worked_on() > before, _PATIENCE_S):
                return
        raise AssertionError('waited in vain for work on an image')

    def messages(self, pose: NDArray[Any], stamp: int) -> tuple[CameraInfo, Image]:
        """Return what the camera sends of what is seen from a pose."""
        image, info = image_message(self.room.view(pose), stamp), camera_info()
        info.header = image.header
        return info, image

    def show(self, pose: NDArray[Any], stamp: int | None = None) -> int:
        """Send what is seen from a pose; return its stamp."""
        stamp = self.station.next_stamp_ns() if stamp is None else stamp
        self.send(image_message(self.room.view(pose), stamp))
        return stamp

    def status(self, part: str = 'tracking') -> DiagnosticStatus:
        """Return the newest status of the node in the diagnostics."""
        return self._statuses()[f'{self._name.strip("/")}: {part}']

    def value(self, key: str) -> str:
        """Return the newest value of that name, of whatever status."""
        values = {v.key: v.value for status in self._statuses().values() for v in status.values}
        return values[key]

    def worked_on(self) -> int:
        """Return the number of images that were tracked or refused."""
        return sum(
            int(self.value(key))
            for key in ('images tracked', 'inputs refused', 'images out of order')
        )

    def stamps(self) -> list[int]:
        """Return the stamps of all poses so far."""
        return [stamp_ns(pose) for pose in self.poses]

    def wait_for_pose(self, stamp: int) -> NDArray[Any]:
        """Return the pose [4, 4] with a stamp, which is to come."""
        self.station.wait_until(lambda: stamp in self.stamps(), 'a pose')
        pose = self.poses[self.stamps().index(stamp)].pose
        return matrix(pose.position, pose.orientation)

    def wait_for_state(self, text: str) -> None:
        """Wait until the first status says so."""
        self.station.wait_until(lambda: text in self.status().message, text)

    def _statuses(self) -> dict[str, DiagnosticStatus]:
        for message in reversed(self.diagnostics):
            statuses = {status.name: status for status in message.status}
            if f'{self._name.strip("/")}: tracking' in statuses:
                return statuses
        return {}
