"""The tracker renders for the next image before that comes."""

from threading import Event, Thread

from support.following import BLACK, LOST_AFTER, path, picture, stamp
from support.small_room import CAMERA, error

from mesh_reloc_ros.config.declaration import build
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.types.estimate import State
from mesh_reloc_ros.types.frame import Frame


def test_it_renders_ahead_from_where_the_next_image_is_expected(room, renders):
    """For a camera so fast that otherwise every image would wait for a render."""
    settings = build(Settings, {'alignment.keyframe_motion': 0.005})
    tracker = Tracker(room.scene, settings)
    tracker.start_at(path(0))
    for ms in range(0, 500, 50):
        frame = picture(room, ms)
        renders.clear()
        assert tracker.track(frame).trusted
        if ms > 300:
            assert not renders
        renders.clear()
        tracker.look_ahead()
        if ms > 200:
            metres, degrees = error(renders[0], path(ms + 50))
            assert len(renders) == 1
            assert metres < 0.01
            assert degrees < 0.3
            # Nearer than where the camera is now.
            assert metres < error(path(ms), path(ms + 50))[0]


def test_looking_ahead_does_nothing_without_a_trusted_pose(room, renders):
    tracker = Tracker(room.scene, build(Settings, {'alignment.keyframe_motion': 0.0}))
    tracker.look_ahead()
    tracker.start_at(path(0))
    tracker.look_ahead()
    assert not renders
    for ms in (0, 33, 66):
        assert tracker.track(picture(room, ms)).trusted
    renders.clear()
    tracker.look_ahead()
    assert len(renders) == 1
    for i in range(LOST_AFTER):
        assert not tracker.track(Frame(stamp(99 + 33 * i), BLACK, CAMERA)).trusted
        renders.clear()
        tracker.look_ahead()
        assert not renders
    assert tracker.state is State.LOST
    assert tracker.track(Frame(stamp(300), picture(room, 66).image, CAMERA)).trusted
    tracker.start_at(path(0))
    renders.clear()
    tracker.look_ahead()
    assert not renders


def test_a_thread_that_looks_ahead_all_the_time_changes_little(room):
    settings = build(Settings, {'alignment.keyframe_motion': 0.005})
    alone, beside = Tracker(room.scene, settings), Tracker(room.scene, settings)
    alone.start_at(path(0))
    beside.start_at(path(0))
    done, failures = Event(), []

    def look_ahead():
        try:
            while not done.wait(0.001):
                beside.look_ahead()
        except Exception as failure:
            failures.append(failure)

    thread = Thread(target=look_ahead)
    thread.start()
    try:
        for ms in range(0, 660, 33):
            frame = picture(room, ms)
            one, other = alone.track(frame), beside.track(frame)
            assert one.trusted
            assert other.trusted
            metres, degrees = error(one.map_T_camera, other.map_T_camera)
            # Noise does to points of another render what it does to these, but not the same.
            assert metres < 0.006
            assert degrees < 0.12
    finally:
        done.set()
        thread.join()
    assert not failures
