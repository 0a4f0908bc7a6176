"""What the node does with poses: publish them, in TF too, as a path and overlay, and save them."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from std_msgs.msg import Header

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.ros._base_odometry import BaseOdometry
from mesh_reloc_ros.ros._diagnostics import Diagnostics
from mesh_reloc_ros.ros._mesh_marker import MeshMarker
from mesh_reloc_ros.ros._mount import CameraMount
from mesh_reloc_ros.ros._odometry import Odometry
from mesh_reloc_ros.ros._overlay_publisher import OverlayPublisher
from mesh_reloc_ros.ros._parameters import NodeParameters
from mesh_reloc_ros.ros._path import PathPublisher
from mesh_reloc_ros.ros._saved_pose import SavedPose
from mesh_reloc_ros.ros._tf_output import TfOutput
from mesh_reloc_ros.ros.conversions import estimate_to_pose, with_covariance
from mesh_reloc_ros.ros.publishing import publish
from mesh_reloc_ros.types.estimate import PoseEstimate
from mesh_reloc_ros.types.frame import Frame

# Who comes later gets the last pose at once, as with amcl; who is slow for a moment misses none.
_LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_OVERRIDABLE = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
)


class PoseSink:
    """Publishes estimates while the node is active; its publishers live while it is configured."""

    def __init__(
        self,
        node: Node,
        parameters: NodeParameters,
        diagnostics: Diagnostics,
        scene: Scene,
        mesh_url: str,
        saved: SavedPose,
        mount: CameraMount,
    ) -> None:
        """Create the publishers, and publish the mesh for RViz."""
        map_frame = parameters.node.map_frame
        self.saved = saved
        self._node = node
        self._parameters = parameters
        self._diagnostics = diagnostics
        self._map_frame = map_frame
        self._origin = scene.mesh.origin
        self._poses = _publisher(node, PoseStamped, '~/pose')
        self._covariances = _publisher(node, PoseWithCovarianceStamped, '~/pose_with_covariance')
        self._path = PathPublisher(node)
        self._overlay = OverlayPublisher(node, scene)
        self._mesh = MeshMarker(node, mesh_url, map_frame)
        self._tf: TfOutput | None = None
        self.mount = mount
        base_frame = parameters.node.base_frame
        self._base = BaseOdometry(node, map_frame, base_frame, mount) if base_frame else None

    @property
    def results(self) -> list[Future[None]]:
        """The results of the threads; see `LatestOnlyWorker`."""
        return [self._path.result, self._overlay.result]

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of messages published, by name."""
        return {
            'transforms published': 0 if self._tf is None else self._tf.published,
            'overlays published': self._overlay.published,
        }

    def activate(self, odometry: Odometry | None) -> None:
        """Begin to publish in TF."""
        self.mount.odometry = odometry
        self._tf = TfOutput(self._node, self._parameters.node, odometry, self._origin)

    def deactivate(self) -> None:
        """Stop publishing in TF."""
        self.mount.odometry = None
        if self._tf is not None:
            self._tf.close()
        self._tf = None

    def publish(self, estimate: PoseEstimate, frame: Frame, camera_frame: str) -> None:
        """Publish a trusted estimate.

        :param camera_frame: see `ImageSource.camera_frame`.
        """
        settings = self._parameters.node
        pose = estimate_to_pose(estimate, self._map_frame)
        with_uncertainty = with_covariance(pose, estimate.covariance)
        publish(self._node, self._poses.publish, pose)
        publish(self._node, self._covariances.publish, with_uncertainty)
        if self._base is not None:
            self._diagnostics.problem('base', self._base.publish(estimate))
        if self._tf is not None:
            problem = self._tf.publish(
                estimate, camera_frame, frame.odom_T_camera, settings.transform_tolerance
            )
            self._diagnostics.problem('TF', problem)
        self.saved.take(estimate.map_T_camera)
        self._path.add(pose, settings.path_length)

    def show(self, estimate: PoseEstimate, frame: Frame, header: Header, latency_ms: float) -> None:
        """Record an estimate, trusted or not, in the diagnostics and draw its overlay.

        :param header: of the image. :param latency_ms: from its arrival until now.
        """
        self._diagnostics.tracked(estimate, latency_ms)
        self._overlay.offer(frame, estimate, latency_ms, header, self._parameters.node.overlay)

    def jump_back(self) -> None:
        """Start a new path after a jump back in time."""
        self._path.clear()

    def show_mesh(self) -> None:
        """Show the mesh to RViz again now and then. Call it regularly."""
        self._mesh.repeat()

    def save(self, period_s: float) -> None:
        """Save the last trusted pose, unless that was done within the period or is switched off."""
        try:
            if not self._parameters.node.save_pose_period or self.saved.write(period_s):
                self._diagnostics.problem('saved pose', '')
        except InputError as error:
            self._diagnostics.problem('saved pose', str(error))

    def close(self, timeout_s: float) -> bool:
        """Stop publishing; return False if a thread exceeds the timeout."""
        ended = [part.close(timeout_s) for part in (self._path, self._overlay)]
        self._mesh.close()
        if self._base is not None:
            self._base.close()
        for publisher in (self._poses, self._covariances):
            self._node.destroy_publisher(publisher)
        return all(ended)


def _publisher(node: Node, message_type: type, topic: str) -> Publisher[Any]:
    return node.create_publisher(
        message_type,
        topic,
        _LATCHED,
        qos_overriding_options=QoSOverridingOptions(_OVERRIDABLE),
    )
