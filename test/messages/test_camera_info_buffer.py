from types import SimpleNamespace

from mesh_reloc_ros.messages.camera_info_buffer import CameraInfoBuffer


def info(stamp_ns: int, name: str = '') -> SimpleNamespace:
    stamp = SimpleNamespace(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), name=name)


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
    buffer.clear()
    assert buffer.at(20) is None
    assert buffer.newest.name == 'b'


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
