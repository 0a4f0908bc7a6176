import threading

from sensor_msgs.msg import CameraInfo
from support.station import stamped

from mesh_reloc_ros.ros._camera_infos import CameraInfos

S = 10**9
TIMEOUT_S = 0.4
"""Long enough for a busy machine."""


def info(stamp_ns: int, width: int = 640) -> CameraInfo:
    return stamped(CameraInfo(width=width), stamp_ns)


def test_the_one_with_the_stamp_of_the_image_is_taken_when_newer_ones_are_there():
    infos = CameraInfos(TIMEOUT_S)
    for stamp, width in ((10, 640), (20, 640), (30, 320)):
        infos.add(info(stamp, width))
    assert infos.of(20).width == 640
    assert infos.of(30).width == 320


def test_without_agreeing_stamps_the_newest_serves():
    infos = CameraInfos(TIMEOUT_S)
    infos.add(info(0, 320))
    infos.add(info(0, 640))
    assert infos.of(20).width == 640


def test_nothing_has_come():
    infos = CameraInfos(TIMEOUT_S)
    assert not infos.has_any()
    assert infos.of(20) is None


def test_the_first_is_waited_for():
    infos = CameraInfos(TIMEOUT_S)
    late = threading.Timer(0.01, infos.add, [info(20)])
    late.start()
    assert infos.has_any()
    late.join()


def test_one_that_comes_just_after_its_image_is_waited_for():
    for before in ([], [10]):
        infos = CameraInfos(TIMEOUT_S)
        for stamp in before:
            infos.add(info(stamp))
            infos.of(stamp)
        late = threading.Timer(0.01, infos.add, [info(20, 320)])
        late.start()
        assert infos.of(20).width == 320
        late.join()


def of_before_it_comes(infos: CameraInfos, stamp_ns: int) -> CameraInfo | None:
    """Return what an image gets whose own, of another width, comes just after it."""
    late = threading.Timer(0.01, infos.add, [info(stamp_ns, 320 + stamp_ns)])
    late.start()
    found = infos.of(stamp_ns)
    late.join()
    return found


def test_stamps_that_do_not_agree_any_more_are_waited_for_a_few_times():
    infos = CameraInfos(TIMEOUT_S)
    infos.add(info(10))
    infos.of(10)
    for stamp in (20, 30, 40):
        assert infos.of(stamp).width == 640
    # The one that comes late is not waited for, but the next, as this one would have been in time.
    assert of_before_it_comes(infos, 50).width == 640
    assert of_before_it_comes(infos, 60).width == 380


def test_one_that_is_lost_does_not_end_the_waiting():
    infos = CameraInfos(TIMEOUT_S)
    infos.add(info(10))
    infos.of(10)
    assert infos.of(20).width == 640
    assert of_before_it_comes(infos, 30).width == 350


def test_after_a_jump_back_those_of_the_time_before_do_not_count():
    infos = CameraInfos(TIMEOUT_S)
    for stamp in (10, S, 2 * S):
        infos.add(info(stamp))
        infos.of(stamp)
    infos.clear()
    assert of_before_it_comes(infos, 10).width == 330
    # The newest serves where an image has none of its own.
    assert infos.of(S).width == 330


def test_when_a_bag_loops_the_later_of_two_with_one_stamp_counts():
    infos = CameraInfos(TIMEOUT_S)
    infos.add(info(10, 640))
    infos.add(info(10, 320))
    assert infos.of(10).width == 320
