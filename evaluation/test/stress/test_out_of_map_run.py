"""Images of something else: what they are, and who is fooled by them."""

from collections import Counter

import numpy as np
import pytest
from evaluation_support.sequences import room_footage
from mesh_reloc_evaluation.out_of_map.images import Foreign, is_same
from mesh_reloc_evaluation.out_of_map.patterns import PATTERNS
from mesh_reloc_evaluation.stress.out_of_map_run import numbered, run_foreign
from mesh_reloc_evaluation.stress.run import tracker_maker
from mesh_reloc_evaluation.stress.tables import foreign_table
from support.small_room import CAMERA, clouds

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.relocalize.relocalizer import make_relocalizer
from mesh_reloc_ros.types.estimate import PoseEstimate, State

PHOTOGRAPHS = [clouds(seed=50), clouds(seed=51)[:, :300]]


@pytest.fixture(scope='module')
def foreign(room) -> Foreign:
    return Foreign(CAMERA, room.scene.mesh, None, PHOTOGRAPHS)


class Believer:
    """Publishes whatever it is shown."""

    def track(self, frame) -> PoseEstimate:
        return PoseEstimate(frame.stamp_ns, State.TRACKING, True, '', np.eye(4), np.eye(6))

    def look_ahead(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_images_are_of_all_kinds_of_the_cameras_size_and_the_same_each_time(foreign):
    images = list(numbered(foreign, 26))
    kinds = Counter(kind for _, kind, _ in images)
    assert set(kinds) == {'photograph', 'texture of the map', *PATTERNS}
    assert kinds['photograph'] > kinds['text']
    for number, kind, image in images:
        assert image.shape == (CAMERA.height, CAMERA.width, 3)
        assert image.dtype == np.uint8
        again_kind, again = foreign.image(number)
        assert again_kind == kind
        np.testing.assert_array_equal(again, image)


def test_no_two_images_are_alike(foreign):
    images = [image for _, _, image in numbered(foreign, 40)]
    for number, image in enumerate(images):
        assert not any((image == other).all() for other in images[:number])


@pytest.mark.parametrize('name', PATTERNS)
def test_patterns_show_something(name):
    shown = [PATTERNS[name](np.random.default_rng(seed), 320, 240) for seed in range(4)]
    assert all(image.std() > 4 for image in shown)


def test_scenes_are_the_likest_to_a_place(room, foreign):
    assert len(foreign.scenes(5)) == 5
    sample = Foreign(CAMERA, room.scene.mesh, room.scene, PHOTOGRAPHS)
    assert sample.image(0)[0] == 'room'
    np.testing.assert_array_equal(sample.scenes(2)[1], sample.image(1)[1])
    assert len(Foreign(CAMERA, room.scene.mesh, None, []).scenes(3)) == 3


def test_a_mesh_is_known_again(room):
    assert is_same(room.scene.mesh, room.scene.mesh)


def test_who_believes_everything_is_found_out(room, foreign):
    footage = room_footage(room, 20)
    result = run_foreign('tracking', numbered(foreign, 12), footage, lambda start: Believer())
    assert len(result.localized) == 12
    assert sum(result.shown.values()) == 12
    table = foreign_table([result])
    assert table.rows[-1] == ['all', '12/12']
    assert f'{foreign.image(3)[0]} 3' in result.localized


class Watched:
    """A tracker whose states are noted when it is shown a foreign image."""

    def __init__(self, tracker, known: set[bytes], seen: list[tuple[State, int]]) -> None:
        self._tracker, self._known, self._seen = tracker, known, seen
        self._state = None

    def track(self, frame) -> PoseEstimate:
        if frame.image.tobytes() not in self._known and frame.image.any():
            self._seen.append((self._state, frame.stamp_ns))
        estimate = self._tracker.track(frame)
        self._state = estimate.state
        return estimate

    def look_ahead(self) -> None:
        self._tracker.look_ahead()

    def close(self) -> None:
        self._tracker.close()


@pytest.mark.parametrize(
    ('state', 'expected'), [('tracking', State.TRACKING), ('lost', State.LOST)]
)
def test_a_tracker_in_each_state_is_not_fooled(room, foreign, state, expected):
    footage = room_footage(room, 40)
    known = {frame.image.tobytes() for frame in footage.frames}
    settings = Settings(relocalization=RelocalizationSettings(max_viewpoints=40, candidates=60))
    relocalizer = make_relocalizer(
        room.scene, settings.relocalization, settings.alignment, room.mesh
    )
    make = tracker_maker(room.scene, settings, relocalizer)
    seen: list[tuple[State, int]] = []
    result = run_foreign(
        expected.value.lower(),
        numbered(foreign, 12),
        footage,
        lambda start: Watched(make(start), known, seen),
    )
    assert result.localized == []
    assert [state for state, _ in seen] == [expected] * 12
    if expected is State.LOST:
        # So far apart that each is searched for.
        assert (np.diff([stamp_ns for _, stamp_ns in seen]) >= 1_000_000_000).all()
