"""The mesh for RViz, as a marker with the URL of its file."""

from __future__ import annotations

import time

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from mesh_reloc_ros.ros.publishing import publish

_PERIOD_S, _ACKNOWLEDGED_S = 1.0, 0.1


class MeshMarker:
    """Publishes where the mesh is, latched, and again every second.

    RViz forgets markers when time jumps back, as in a bag that loops, and does not ask for them
    again. For a marker that it already shows it does not load the mesh a second time.
    """

    def __init__(self, node: Node, url: str, map_frame: str) -> None:
        """Create the publisher, and publish the mesh."""
        qos = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._node = node
        self._publisher = node.create_publisher(Marker, '~/mesh', qos)
        self._header = Header(frame_id=map_frame)
        self._marker = Marker(
            header=self._header,
            ns='mesh',
            type=Marker.MESH_RESOURCE,
            action=Marker.ADD,
            # In a fixed frame that moves in the map, as odom does, the mesh moves at once.
            frame_locked=True,
            mesh_resource=url,
            # With all colours at zero RViz does not tint the textures; it does light them.
            mesh_use_embedded_materials=True,
        )
        self._marker.pose.orientation.w = 1.0
        self._marker.scale.x = self._marker.scale.y = self._marker.scale.z = 1.0
        self._next = 0.0
        self.repeat()

    def repeat(self) -> None:
        """Publish the mesh, unless that was done within the period. Call it regularly."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _PERIOD_S
            publish(self._node, self._publisher.publish, self._marker)

    def close(self) -> None:
        """Have RViz remove the mesh."""
        deletion = Marker(header=self._header, ns='mesh', action=Marker.DELETE)
        publish(self._node, self._publisher.publish, deletion)
        # Messages of a publisher that is gone are lost.
        self._publisher.wait_for_all_acked(Duration(seconds=_ACKNOWLEDGED_S))
        self._node.destroy_publisher(self._publisher)
