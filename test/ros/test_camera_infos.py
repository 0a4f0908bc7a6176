import threading

from sensor_msgs.msg import CameraInfo
from station import stamped

from mesh_reloc_ros.ros.camera_infos import CameraInfos


def info(stamp_ns: int, width: int = 640) -> CameraInfo:
    return stamped(CameraInfo(width=width), stamp_ns)


def test_the_one_with_the_stamp_of_the_image_is_taken_when_newer_ones_are_there():
    infos = CameraInfos()
    for stamp, width in ((10, 640), (20, 640), (30, 320)):
        infos.add(info(stamp, width))
    assert infos.of(20).width == 640
    assert infos.of(30).width == 320


def test_without_agreeing_stamps_the_newest_serves():
    infos = CameraInfos()
    infos.add(info(0, 320))
    infos.add(info(0, 640))
    assert infos.of(20).width == 640


def test_nothing_has_come():
    assert CameraInfos().of(20) is None


def test_one_that_comes_just_after_its_image_is_waited_for():
    for before in ([], [10]):
        infos = CameraInfos()
        for stamp in before:
            infos.add(info(stamp))
            infos.of(stamp)
        late = threading.Timer(0.01, infos.add, [info(20, 320)])
        late.start()
        assert infos.of(20).width == 320
        late.join()


def test_a_stamp_that_never_comes_is_waited_for_once():
    infos = CameraInfos()
    infos.add(info(10))
    infos.of(10)
    infos.of(20)
    late = threading.Timer(0.01, infos.add, [info(30, 320)])
    late.start()
    # The one that comes late is not waited for.
    assert infos.of(30).width == 640
    late.join()


def test_when_a_bag_loops_the_later_of_two_with_one_stamp_counts():
    infos = CameraInfos()
    infos.add(info(10, 640))
    infos.add(info(10, 320))
    assert infos.of(10).width == 320
