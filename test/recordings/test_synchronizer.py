"""Images with their camera_info and odometry, by the order of recording."""

import math
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.recordings._synchronizer import Synchronized, Synchronizer
from mesh_reloc_ros.types.pose import pose_to_numbers

S = 10**9
BEGIN_NS = 1_700_000_000 * S


def header(stamp_ns: int, frame: str) -> SimpleNamespace:
    stamp = SimpleNamespace(sec=stamp_ns // S, nanosec=stamp_ns % S)
    return SimpleNamespace(stamp=stamp, frame_id=frame)


def image(stamp_ns: int) -> SimpleNamespace:
    return SimpleNamespace(header=header(stamp_ns, 'camera'))


def info(stamp_ns: int, name: str) -> SimpleNamespace:
    return SimpleNamespace(header=header(stamp_ns, 'camera'), name=name)


def at(metres: float) -> NDArray[np.float64]:
    pose = np.eye(4)
    pose[0, 3] = metres
    return pose


def transforms(
    stamp_ns: int, pose: NDArray[np.float64], parent: str = 'odom', child: str = 'camera'
) -> SimpleNamespace:
    numbers = pose_to_numbers(pose).tolist()
    translation = SimpleNamespace(**dict(zip('xyz', numbers[:3], strict=True)))
    rotation = SimpleNamespace(**dict(zip('xyzw', numbers[3:], strict=True)))
    transform = SimpleNamespace(translation=translation, rotation=rotation)
    link = SimpleNamespace(
        header=header(stamp_ns, parent), child_frame_id=child, transform=transform
    )
    return SimpleNamespace(transforms=[link])


class Player:
    """Gives messages to a synchronizer at their time of recording, and keeps what it releases."""

    def __init__(self, *frames: str) -> None:
        self.synchronizer = Synchronizer(info(0, 'first'), *frames)
        self.released: list[Synchronized] = []

    def image(self, stamp_ns: int, recorded_ns: int | None = None) -> None:
        recorded_ns = stamp_ns if recorded_ns is None else recorded_ns
        self.released += self.synchronizer.add_image(image(stamp_ns), recorded_ns)
        self.until(recorded_ns)

    def info(self, stamp_ns: int, name: str, recorded_ns: int | None = None) -> None:
        self.synchronizer.add_info(info(stamp_ns, name))
        self.until(stamp_ns if recorded_ns is None else recorded_ns)

    def odometry(self, stamp_ns: int, metres: float, recorded_ns: int | None = None) -> None:
        recorded_ns = stamp_ns if recorded_ns is None else recorded_ns
        self.synchronizer.add_transforms(transforms(stamp_ns, at(metres)), recorded_ns)
        self.until(recorded_ns)

    def until(self, recorded_ns: float) -> None:
        self.released += self.synchronizer.release(recorded_ns)

    def end(self) -> None:
        self.until(math.inf)

    @property
    def names(self) -> list[str]:
        return [each.info.name for each in self.released]

    @property
    def metres(self) -> list[float | None]:
        """Return the x of odom_T_camera of each image, None where there is no odometry."""
        poses = [each.odom_T_camera for each in self.released]
        return [None if pose is None else round(float(pose[0, 3]), 6) for pose in poses]


def test_a_camera_info_may_be_recorded_before_or_after_its_image():
    player = Player()
    player.info(10, 'a')
    player.image(10)
    player.image(20)
    assert player.names == ['a']
    player.info(20, 'b', recorded_ns=S // 2)
    assert player.names == ['a', 'b']


def test_an_image_without_a_camera_info_of_its_own_gets_the_one_before():
    player = Player()
    player.image(5)
    player.info(10, 'a')
    player.image(20)
    player.until(2 * S)
    player.info(30, 'b')
    player.image(40, recorded_ns=3 * S)
    player.end()
    assert player.names == ['first', 'a', 'b']


def test_images_stay_in_their_order():
    player = Player()
    player.image(10)
    player.info(20, 'b')
    player.image(20)
    assert player.names == []
    player.end()
    assert player.names == ['first', 'b']


def test_odometry_is_interpolated_and_may_be_recorded_later():
    player = Player('odom')
    player.info(BEGIN_NS, 'a')
    player.odometry(BEGIN_NS - S // 10, 1.0)
    player.image(BEGIN_NS)
    assert player.metres == []
    player.odometry(BEGIN_NS + S // 10, 2.0, recorded_ns=BEGIN_NS + S // 2)
    assert player.metres == [1.5]
    assert player.synchronizer.without_odometry == 0


def test_odometry_goes_over_static_transforms_to_the_frame_that_was_asked_for():
    player = Player('odom', 'optical')
    player.synchronizer.add_static_transforms(transforms(0, at(0.5), 'camera', 'optical'))
    player.info(BEGIN_NS, 'a')
    player.odometry(BEGIN_NS, 1.0)
    player.image(BEGIN_NS)
    assert player.metres == [1.5]


def test_an_image_without_odometry_is_released_and_counted_with_the_reason():
    player = Player('odom')
    player.info(BEGIN_NS, 'a')
    player.image(BEGIN_NS)
    player.until(BEGIN_NS + S)
    assert player.metres == []
    player.until(BEGIN_NS + S + 1)
    assert player.metres == [None]
    assert player.synchronizer.without_odometry == 1
    assert 'no transform odom -> camera: ' in player.synchronizer.odometry_problem


def test_without_an_odometry_frame_there_is_no_odometry_and_no_complaint():
    player = Player()
    player.info(BEGIN_NS, 'a')
    player.odometry(BEGIN_NS, 1.0)
    player.image(BEGIN_NS)
    assert player.metres == [None]
    assert player.synchronizer.without_odometry == 0


def test_transforms_that_are_not_finite_are_left_out():
    player = Player('odom')
    player.info(BEGIN_NS, 'a')
    player.odometry(BEGIN_NS, math.nan)
    player.image(BEGIN_NS)
    player.end()
    assert player.metres == [None]


def looped(player: Player, back_s: int) -> list[float | None]:
    """Play 3 s at 10 Hz, then again from `back_s` before; odometry has another origin then.

    :returns: odometry of the images since.
    """
    begin = BEGIN_NS + (3 - back_s) * S
    for stamp in range(BEGIN_NS, BEGIN_NS + 3 * S, S // 10):
        player.info(stamp, 'before')
        player.odometry(stamp, (stamp - BEGIN_NS) / S)
        player.image(stamp)
    count, passed = len(player.released), 3 * S
    for number, stamp in enumerate(range(begin, begin + 2 * S, S // 10)):
        recorded = BEGIN_NS + passed + number * S // 10
        if number == 3:
            # A transform of before, recorded late.
            player.odometry(BEGIN_NS + 3 * S, 99.0, recorded)
        player.info(stamp, 'after', recorded)
        player.odometry(stamp, 1000 + number, recorded)
        player.image(stamp, recorded)
    player.end()
    assert set(player.names[count + 3 :]) == {'after'}
    return player.metres[count:]


def test_after_a_jump_back_odometry_of_before_does_not_count():
    for back_s in (2, 3):
        found = looped(Player('odom'), back_s)
        # The first is late until the second says otherwise; the transforms of both are forgotten.
        assert found[2:] == [1000.0 + number for number in range(2, 20)]
