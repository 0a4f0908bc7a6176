"""The pipeline: images in, poses or reasons out, through loops, seeks and late images."""

import numpy as np
import pytest
from support.relocalizers import Answers, Knows
from support.small_room import (
    CAMERA,
    SmallRoom,
    error,
    looking,
    photographed,
    pose_at,
    write_small_room,
)

from mesh_reloc_ros.array_cache import write_arrays
from mesh_reloc_ros.config.declaration import build
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.render import _mesh_cache
from mesh_reloc_ros.timeline import TimeEvent
from mesh_reloc_ros.types.estimate import Rejection, State
from mesh_reloc_ros.types.frame import Frame

S = 10**9
BEGIN_NS = 1_700_000_000 * S
ELSEWHERE = looking((0.6, -1.2, 1.4), heading_deg=60.0, down_deg=10.0)
BLACK = np.zeros((CAMERA.height, CAMERA.width, 3), dtype=np.uint8)


def stamped(seconds: float) -> int:
    return BEGIN_NS + round(seconds * S)


def place(seconds: float) -> np.ndarray:
    """Return where the camera is in the recording at a time."""
    return pose_at(20 * seconds)


def shown(room: SmallRoom, seconds: float, pose: np.ndarray | None = None) -> Frame:
    pose = place(seconds) if pose is None else pose
    return Frame(stamped(seconds), photographed(room.view(pose), round(1000 * seconds)), CAMERA)


def clip(room: SmallRoom, begin: float, end: float) -> list[Frame]:
    return [shown(room, s) for s in np.arange(begin, end, 0.2)]


@pytest.fixture
def pipeline(room: SmallRoom) -> Pipeline:
    return Pipeline(room.scene)


def test_each_image_gets_a_pose_or_a_reason(room, pipeline):
    frames = [*clip(room, 0.0, 0.5), Frame(stamped(0.5), BLACK, CAMERA), shown(room, 0.6)]
    estimates = list(pipeline.run(frames, start=place(0)))
    assert [estimate.stamp_ns for estimate in estimates] == [frame.stamp_ns for frame in frames]
    assert [estimate.trusted for estimate in estimates] == [True, True, True, False, True]
    assert [bool(estimate.reason) for estimate in estimates] == [False, False, False, True, False]
    assert error(estimates[-1].map_T_camera, place(0.6))[0] < 0.01


def test_without_a_start_and_without_a_search_images_are_refused_with_advice(room, pipeline):
    assert not pipeline.is_ready
    with pytest.raises(InputError, match='no initial pose and no search'):
        pipeline.track(shown(room, 0.0))
    pipeline.start_at(place(0))
    assert pipeline.is_ready
    assert pipeline.track(shown(room, 0.0)).trusted


def test_with_a_search_no_start_is_needed(room):
    relocalizer = Knows(room.scene)
    frame = shown(room, 0.0, ELSEWHERE)
    relocalizer.learn(frame.image, ELSEWHERE)
    pipeline = Pipeline(room.scene, relocalizer=relocalizer)
    assert pipeline.is_ready
    estimate = pipeline.track(frame)
    assert estimate.trusted
    assert error(estimate.map_T_camera, ELSEWHERE)[0] < 0.01


def test_images_that_are_late_or_come_twice_are_refused(room, pipeline):
    frames = [shown(room, s) for s in (0.0, 0.1, 0.1, 0.05, 0.2)]
    estimates = list(pipeline.run(frames, start=place(0)))
    assert [estimate.trusted for estimate in estimates] == [True, True, False, False, True]
    assert estimates[2].rejection is Rejection.OUT_OF_ORDER
    assert not estimates[2].is_located
    assert estimates[2].state is State.TRACKING


def test_a_recording_that_plays_again_is_followed_from_where_the_camera_was(room, pipeline):
    """Without a search, and with an initial pose that is too far away to help."""
    list(pipeline.run(clip(room, 0.0, 2.6), start=place(0)))
    again = [pipeline.track(shown(room, s)) for s in (1.2, 1.3, 1.4)]
    assert [estimate.trusted for estimate in again] == [False, True, True]
    assert error(again[-1].map_T_camera, place(1.4))[0] < 0.01


def test_a_seek_to_a_time_that_was_seen_needs_no_search(room):
    relocalizer = Answers(None)
    pipeline = Pipeline(room.scene, build(Settings, {'tracking.restart_after': 0.5}), relocalizer)
    list(pipeline.run(clip(room, 0.0, 2.6), start=place(0)))
    for s in (0.0, 0.1):
        pipeline.track(shown(room, s))
    assert pipeline.track(shown(room, 0.2)).trusted
    searched = len(relocalizer.hints)
    estimates = [pipeline.track(shown(room, s)) for s in (2.2, 2.3, 2.4)]
    assert estimates[-1].trusted
    assert error(estimates[-1].map_T_camera, place(2.4))[0] < 0.01
    assert len(relocalizer.hints) - searched <= 1


def test_a_loop_to_an_unknown_time_starts_as_at_the_beginning(room, pipeline):
    pipeline.start_at(place(0))
    for s in (3.0, 3.1, 0.0, 0.1):
        estimate = pipeline.track(shown(room, s, place(s % 3)))
    assert estimate.trusted
    assert error(estimate.map_T_camera, place(0.1))[0] < 0.01


def test_a_users_pose_comes_before_where_the_camera_was(room, pipeline):
    list(pipeline.run(clip(room, 0.0, 2.0), start=place(0)))
    pipeline.track(shown(room, 0.5, ELSEWHERE))
    assert pipeline.admit(stamped(0.6)) is TimeEvent.JUMP_BACK
    pipeline.start_at(ELSEWHERE)
    assert error(pipeline.localize(shown(room, 0.6, ELSEWHERE)).map_T_camera, ELSEWHERE)[0] < 0.01


def test_when_a_clock_was_set_back_the_camera_is_where_it_was(room, pipeline):
    list(pipeline.run(clip(room, 0.0, 2.6), start=place(0)))
    for s in (1.0, 1.05):
        event = pipeline.admit(stamped(s), clock_was_set=True)
    assert event is TimeEvent.JUMP_BACK
    estimate = pipeline.localize(shown(room, 1.05, place(2.6)))
    assert estimate.trusted
    assert error(estimate.map_T_camera, place(2.6))[0] < 0.01


def test_a_recording_can_be_run_twice(room, pipeline):
    frames = clip(room, 0.0, 0.3)
    for _ in range(2):
        assert all(estimate.trusted for estimate in pipeline.run(frames, start=place(0)))


def test_two_pipelines_share_a_scene(room):
    one, other = Pipeline(room.scene), Pipeline(room.scene)
    one.start_at(place(0))
    other.start_at(place(1))
    for s in (0.0, 0.1):
        assert one.track(shown(room, s)).trusted
        assert other.track(shown(room, s, place(1 + s))).trusted


def test_an_initial_pose_that_is_not_one_is_refused_at_once(pipeline):
    with pytest.raises(InputError, match='not a finite 4x4 matrix'):
        pipeline.start_at(np.full((4, 4), np.nan))


def test_a_mesh_file_is_loaded_with_a_search_unless_that_is_switched_off(room):
    with Pipeline.load(str(room.mesh)) as pipeline:
        assert pipeline.relocalizer is not None
    with Pipeline.load(room.mesh, build(Settings, {'relocalization.enabled': False})) as pipeline:
        assert pipeline.relocalizer is None
        pipeline.prepare(CAMERA)


@pytest.mark.parametrize('cached', [True, False])
def test_whether_the_prepared_mesh_is_cached_is_a_setting(tmp_path, monkeypatch, cached):
    monkeypatch.setattr(_mesh_cache, '_LEAST_TEXELS', 0)
    monkeypatch.setattr(_mesh_cache, 'write_later', write_arrays)
    mesh = write_small_room(tmp_path).mesh
    settings = build(Settings, {'mesh_cache': cached, 'relocalization.enabled': False})
    Pipeline.load(mesh, settings).close()
    assert mesh.with_name(f'{mesh.name}.prepared.npz').exists() == cached
