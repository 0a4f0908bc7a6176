"""A ROS node that prints position, viewing direction and accuracy of each published pose."""

import math
from contextlib import suppress

import rclpy
from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node


class PosePrinter(Node):
    """Subscribes to the poses of mesh_reloc_node."""

    def __init__(self) -> None:
        super().__init__('pose_printer')
        topic = 'mesh_reloc/pose_with_covariance'
        self.create_subscription(PoseWithCovarianceStamped, topic, self.print_pose, 10)

    def print_pose(self, message: PoseWithCovarianceStamped) -> None:
        """Print a pose in the map frame."""
        p, q = message.pose.pose.position, message.pose.pose.orientation
        # The z axis of the optical frame, which points forward, in the map.
        x, y = 2 * (q.x * q.z + q.w * q.y), 2 * (q.y * q.z - q.w * q.x)
        heading = math.degrees(math.atan2(y, x))
        sigma = math.sqrt(max(message.pose.covariance[i] for i in (0, 7, 14)))
        print(
            f'x {p.x:.3f}, y {p.y:.3f}, z {p.z:.3f} m, heading {heading:.1f} deg,'
            f' sigma {1000 * sigma:.1f} mm',
            flush=True,
        )


rclpy.init()
with suppress(KeyboardInterrupt, ExternalShutdownException):
    rclpy.spin(PosePrinter())
