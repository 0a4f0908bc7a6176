import threading
from types import SimpleNamespace

import pytest
from support.patience import LONG_S

from mesh_reloc_ros.messages.camera_info_buffer import CameraInfoBuffer

S = 10**9
TIMEOUT_S = 0.4
"""Where a timeout has to pass; long enough for a busy machine."""


def info(stamp_ns: int, name: str = '', width: int = 640) -> SimpleNamespace:
    stamp = SimpleNamespace(sec=stamp_ns // S, nanosec=stamp_ns % S)
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), name=name, width=width)


def filled(*infos: SimpleNamespace) -> CameraInfoBuffer:
    buffer = CameraInfoBuffer()
    for each in infos:
        buffer.add(each)
    return buffer


def test_an_image_goes_with_the_camera_info_of_its_stamp():
    buffer = filled(info(10, 'a'), info(20, 'b'), info(30, 'c'))
    assert [buffer.at(stamp).name for stamp in (10, 20, 30)] == ['a', 'b', 'c']
    assert buffer.at(25) is None
    assert buffer.newest.name == 'c'


def test_without_a_message_there_is_neither():
    buffer = filled()
    assert buffer.newest is None
    assert buffer.at(0) is None


def test_of_two_with_one_stamp_the_later_counts():
    assert filled(info(10, 'before'), info(20), info(10, 'again')).at(10).name == 'again'


def test_after_a_jump_back_only_the_newest_is_left():
    buffer = filled(info(10, 'a'), info(20, 'b'))
    buffer.jump_back(before_ns=20)
    assert buffer.at(20) is None
    assert buffer.newest.name == 'b'


@pytest.mark.parametrize('before_ns', [30, 40, 50])
def test_those_that_came_since_the_jump_back_are_kept(before_ns):
    # The images at 40 and 50 may be left out; those of 10 and 20 come again.
    stamps = (10, 20, 30, 40, 0, 10, 20)
    buffer = filled(*(info(stamp, str(index)) for index, stamp in enumerate(stamps)))
    buffer.jump_back(before_ns)
    assert [buffer.at(stamp).name for stamp in (0, 10, 20)] == ['4', '5', '6']
    assert buffer.at(30) is buffer.at(40) is None
    # They are the last to be forgotten.
    for stamp in range(100, 397):
        buffer.add(info(stamp))
    assert [buffer.at(stamp).name for stamp in (0, 10, 20)] == ['4', '5', '6']
    buffer.add(info(397))
    assert buffer.at(0) is None


def test_the_memory_is_bounded_and_the_latest_stay():
    buffer = filled(*(info(stamp, str(stamp)) for stamp in range(10_000)))
    assert buffer.at(0) is None
    assert buffer.at(9_900).name == '9900'


def test_a_stamp_that_comes_again_is_kept_as_long_as_a_new_one():
    buffer = filled(info(0, 'first'), *(info(stamp) for stamp in range(1, 250)))
    buffer.add(info(0, 'again'))
    for stamp in range(250, 400):
        buffer.add(info(stamp))
    assert buffer.at(0).name == 'again'


def test_an_image_without_one_of_its_stamp_gets_the_newest():
    infos = CameraInfoBuffer(TIMEOUT_S)
    infos.add(info(0, width=320))
    infos.add(info(0, width=640))
    assert infos.wait_for(20).width == 640


def test_without_any_message_a_wait_ends():
    infos = CameraInfoBuffer(TIMEOUT_S)
    assert not infos.has_any()
    assert infos.wait_for(20) is None


def test_the_first_is_waited_for():
    infos = CameraInfoBuffer(LONG_S)
    late = threading.Timer(0.01, infos.add, [info(20)])
    late.start()
    assert infos.has_any()
    late.join()


def test_one_that_comes_just_after_its_image_is_waited_for():
    for before in ([], [10]):
        infos = CameraInfoBuffer(LONG_S)
        for stamp in before:
            infos.add(info(stamp))
            infos.wait_for(stamp)
        late = threading.Timer(0.01, infos.add, [info(20, width=320)])
        late.start()
        assert infos.wait_for(20).width == 320
        late.join()


def got_before_it_comes(infos: CameraInfoBuffer, stamp_ns: int) -> SimpleNamespace:
    """Return what an image gets if its own, of another width, comes just after it."""
    late = threading.Timer(0.01, infos.add, [info(stamp_ns, width=320 + stamp_ns)])
    late.start()
    found = infos.wait_for(stamp_ns)
    late.join()
    return found


def test_after_a_few_timeouts_images_wait_no_longer():
    infos = CameraInfoBuffer(TIMEOUT_S)
    infos.add(info(10))
    infos.wait_for(10)
    for stamp in (20, 30, 40):
        assert infos.wait_for(stamp).width == 640
    # This one would have come in time, so the next image waits again.
    assert got_before_it_comes(infos, 50).width == 640
    assert got_before_it_comes(infos, 60).width == 380


def test_a_lost_message_does_not_end_the_waiting():
    infos = CameraInfoBuffer(TIMEOUT_S)
    infos.add(info(10))
    infos.wait_for(10)
    assert infos.wait_for(20).width == 640
    assert got_before_it_comes(infos, 30).width == 350


def test_after_a_jump_back_stamps_of_before_do_not_count():
    infos = CameraInfoBuffer(TIMEOUT_S)
    for stamp in (10, S, 2 * S):
        infos.add(info(stamp))
        infos.wait_for(stamp)
    infos.jump_back(2 * S)
    assert got_before_it_comes(infos, 10).width == 330
    # The newest serves an image without one of its own.
    assert infos.wait_for(S).width == 330
