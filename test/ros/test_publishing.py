"""A message that DDS does not take is lost, but nothing else is."""

import pytest
from geometry_msgs.msg import PoseStamped
from rclpy.impl.implementation_singleton import rclpy_implementation
from support.station import Station

from mesh_reloc_ros.ros.publishing import publish


class BusyPublisher:
    """Fails as a publisher of Fast DDS does whose queue stays full."""

    def publish(self, message: PoseStamped) -> None:
        raise rclpy_implementation.RCLError('Failed to publish: cannot publish data')


def test_a_message_that_dds_takes_arrives(station: Station):
    heard = station.listen(PoseStamped, 'pose')
    publisher = station.node.create_publisher(PoseStamped, 'pose', 10)
    station.wait_until(lambda: publisher.get_subscription_count() > 0)
    assert publish(station.node, publisher.publish, PoseStamped())
    station.wait_until(lambda: len(heard) == 1)


def test_one_that_it_does_not_take_is_warned_of_once(station: Station, capfd):
    assert not any(publish(station.node, BusyPublisher().publish, PoseStamped()) for _ in range(3))
    warnings = capfd.readouterr().err
    assert warnings.count('a PoseStamped was not published, DDS did not take it') == 1


def test_a_mistake_is_raised(station: Station):
    publisher = station.node.create_publisher(PoseStamped, 'pose', 10)
    with pytest.raises(TypeError):
        publish(station.node, publisher.publish, 'no message')
