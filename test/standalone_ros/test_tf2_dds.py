"""Transforms that one process sends reach the buffer of another."""

import subprocess
import sys
from pathlib import Path

import pytest
import rclpy
from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rclpy.time import Time
from tf2_ros import Buffer, StaticTransformBroadcaster, TransformBroadcaster, TransformListener

PATIENCE_S = 30


@pytest.fixture
def node():
    context = rclpy.Context()
    context.init()
    node = rclpy.create_node('listener', context=context)
    yield node
    node.destroy_node()
    context.shutdown()


@pytest.fixture
def sender():
    script = Path(__file__).with_name('send_transforms.py')
    process = subprocess.Popen([sys.executable, script])
    yield process
    process.terminate()
    process.wait(timeout=PATIENCE_S)


@pytest.mark.usefixtures('sender')
def test_moving_and_static_transforms_arrive(node):
    buffer = Buffer()
    listener = TransformListener(buffer, node)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    deadline = node.get_clock().now() + Duration(seconds=PATIENCE_S)
    while not buffer.can_transform('map', 'camera', Time()):
        assert node.get_clock().now() < deadline, 'no transform came'
        executor.spin_once(timeout_sec=0.5)
    found = buffer.lookup_transform('map', 'camera', Time())
    assert found.transform.translation.x == 11
    assert buffer.lookup_transform('map', 'laser', Time()).transform.translation.x == 12
    listener.unregister()


@pytest.mark.parametrize(
    ('broadcaster', 'topic', 'durability'),
    [
        (TransformBroadcaster, '/tf', DurabilityPolicy.VOLATILE),
        (StaticTransformBroadcaster, '/tf_static', DurabilityPolicy.TRANSIENT_LOCAL),
    ],
)
def test_topics_and_their_qos(node, broadcaster, topic, durability):
    broadcaster(node).sendTransform(TransformStamped(child_frame_id='camera'))
    (publisher,) = node.get_publishers_info_by_topic(topic)
    assert publisher.topic_type == 'tf2_msgs/msg/TFMessage'
    assert publisher.qos_profile.reliability == ReliabilityPolicy.RELIABLE
    assert publisher.qos_profile.durability == durability
