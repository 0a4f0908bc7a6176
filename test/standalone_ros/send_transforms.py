"""Sends transforms until it is ended: the other process of test_tf2_dds."""

from contextlib import suppress

import rclpy
from geometry_msgs.msg import TransformStamped
from rclpy.executors import ExternalShutdownException
from tf2_ros import StaticTransformBroadcaster, TransformBroadcaster


def transform(node, parent, child, x):
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp = node.get_clock().now().to_msg()
    message.transform.translation.x = x
    return message


def main():
    rclpy.init()
    node = rclpy.create_node('sender')
    # Sent once, before anyone listens: it arrives because it is latched.
    static_broadcaster = StaticTransformBroadcaster(node)
    static_broadcaster.sendTransform(
        [transform(node, 'robot', 'camera', 1.0), transform(node, 'robot', 'laser', 2.0)]
    )
    broadcaster = TransformBroadcaster(node)
    node.create_timer(
        0.05, lambda: broadcaster.sendTransform(transform(node, 'map', 'robot', 10.0))
    )
    with suppress(ExternalShutdownException, KeyboardInterrupt):
        rclpy.spin(node)


if __name__ == '__main__':
    main()
