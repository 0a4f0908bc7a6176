"""Transforms that one process sends reach the buffer of another."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rclpy
from geometry_msgs.msg import TransformStamped
from rclpy.clock import ClockType
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from support.patience import LONG_S
from tf2_ros import Buffer, StaticTransformBroadcaster, TransformBroadcaster, TransformListener

pytestmark = pytest.mark.dds

later_than_humble = pytest.mark.skipif(
    os.environ.get('ROS_DISTRO') == 'humble', reason='not yet in Humble'
)


def transform(parent, child):
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp.sec = 1
    return message


def spin_until(executor, condition):
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        executor.spin_once(timeout_sec=0.1)


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
    process.wait(timeout=LONG_S)


@pytest.mark.usefixtures('sender')
def test_moving_and_static_transforms_arrive(node):
    buffer = Buffer()
    listener = TransformListener(buffer, node)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    spin_until(executor, lambda: buffer.can_transform('map', 'camera', Time()))
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


@later_than_humble
def test_static_transforms_are_sent_together(node):
    """One message is latched: it holds what was sent before."""
    broadcaster = StaticTransformBroadcaster(node)
    broadcaster.sendTransform(transform('robot', 'camera'))
    broadcaster.sendTransform([transform('robot', 'laser')])
    buffer = Buffer()
    listener = TransformListener(buffer, node)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    spin_until(executor, lambda: buffer.can_transform('robot', 'laser', Time()))
    assert buffer.can_transform('robot', 'camera', Time())
    listener.unregister()


def test_a_listener_that_is_unregistered_hears_nothing(node):
    listener = TransformListener(Buffer(), node)
    assert node.count_subscribers('/tf') == node.count_subscribers('/tf_static') == 1
    listener.unregister()
    listener.unregister()
    assert node.count_subscribers('/tf') == node.count_subscribers('/tf_static') == 0


@later_than_humble
def test_a_jump_back_of_the_clock_clears_the_buffer(node):
    node.set_parameters([Parameter('use_sim_time', value=True)])
    buffer = Buffer(node=node)
    clock = node.create_publisher(Clock, '/clock', 10)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)

    def set_clock(seconds):
        def arrived():
            clock.publish(Clock(clock=Time(seconds=seconds).to_msg()))
            return node.get_clock().now() == Time(seconds=seconds, clock_type=ClockType.ROS_TIME)

        spin_until(executor, arrived)

    set_clock(100)
    buffer.set_transform_static(transform('robot', 'camera'), 'test')
    buffer.set_transform(transform('map', 'robot'), 'test')
    set_clock(101)
    assert buffer.can_transform('map', 'camera', Time())
    set_clock(50)
    assert not buffer.can_transform('map', 'camera', Time())
    assert buffer.can_transform('robot', 'camera', Time())
