"""Which image comes next where images wait."""

import time

import pytest
from sensor_msgs.msg import Image

from mesh_reloc_ros.ros._backlog import Arrival, Backlog

PERIOD_NS = 33_000_000


def waiting(count: int, age_s: float = 0.0) -> list[Arrival]:
    """Return images at 30 Hz, the first of them a period after 0."""
    arrivals = []
    for number in range(1, count + 1):
        image = Image()
        image.header.stamp.nanosec = number * PERIOD_NS
        arrivals.append(Arrival(image, time.monotonic() - age_s))
    return arrivals


@pytest.mark.parametrize(
    ('work_s', 'step_s'), [(0.01, 0.06), (0.2, 0.24), (2.0, 0.4)], ids=['least', 'pace', 'most']
)
def test_a_backlog_is_followed_in_steps_of_its_pace(work_s, step_s):
    backlog = Backlog()
    for _ in range(5):
        backlog.note(work_s)
    images = waiting(20)
    chosen = backlog.choose(images, tracked_ns=0)
    assert chosen * PERIOD_NS < step_s * 1e9 <= (chosen + 1) * PERIOD_NS


def test_the_newest_is_next_where_none_is_a_step_ahead():
    assert Backlog().choose(waiting(3), tracked_ns=2 * PERIOD_NS) == 2


def test_the_newest_is_next_where_none_is_to_be_followed():
    assert Backlog().choose(waiting(12), tracked_ns=None) == 11


def test_images_that_waited_for_long_are_passed_over():
    images = waiting(12, age_s=10.0) + waiting(12)[-1:]
    assert Backlog().choose(images, tracked_ns=0) == 12
