"""Out-of-map images given to trackers in each state."""

import numpy as np
import pytest
from evaluation_support.sequences import room_sequence
from mesh_reloc_evaluation.out_of_map.images import OutOfMapImages
from mesh_reloc_evaluation.stress.out_of_map_run import run_out_of_map
from mesh_reloc_evaluation.stress.run import tracker_maker
from mesh_reloc_evaluation.stress.tables import out_of_map_table
from support.small_room import CAMERA, clouds

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.types.estimate import PoseEstimate, State


@pytest.fixture(scope='module')
def images(room) -> OutOfMapImages:
    photographs = [clouds(seed=50), clouds(seed=51)[:, :300]]
    return OutOfMapImages(CAMERA, room.scene.mesh, None, photographs)


class PublishesAlways:
    """Publishes a pose for every image."""

    def track(self, frame) -> PoseEstimate:
        return PoseEstimate(frame.stamp_ns, State.TRACKING, None, '', np.eye(4), np.eye(6))

    def look_ahead(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_tracker_that_always_publishes_is_found_out(room, images):
    sequence = room_sequence(room, 20)
    result = run_out_of_map('tracking', images.first(12), sequence, lambda start: PublishesAlways())
    assert len(result.localized) == 12
    assert sum(result.shown.values()) == 12
    table = out_of_map_table([result])
    assert table.rows[-1] == ['all', '12/12']
    assert f'{images.image(3)[0]} 3' in result.localized


class Watched:
    """A tracker that records its state at each out-of-map image."""

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
def test_a_tracker_in_each_state_is_not_fooled(room, images, state, expected):
    sequence = room_sequence(room, 40)
    known = {frame.image.tobytes() for frame in sequence.frames}
    settings = Settings(relocalization=RelocalizationSettings(viewpoint_spacing=1.0, candidates=12))
    make = tracker_maker(Pipeline.load(room.mesh, settings))
    seen: list[tuple[State, int]] = []
    result = run_out_of_map(
        expected.value.lower(),
        images.first(3),
        sequence,
        lambda start: Watched(make(start), known, seen),
    )
    assert result.localized == []
    assert [state for state, _ in seen] == [expected] * 3
    if expected is State.LOST:
        # So far apart that the tracker searches in each of them.
        assert (np.diff([stamp_ns for _, stamp_ns in seen]) >= 1_000_000_000).all()
