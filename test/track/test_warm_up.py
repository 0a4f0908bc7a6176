from support.small_room import CAMERA, SmallRoom, pose_at

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.track.warm_up import warm_up
from mesh_reloc_ros.types.frame import Frame


def test_warming_up_tracks_the_largest_face_and_leaves_no_trace(room: SmallRoom, monkeypatch):
    estimates = []
    track = Tracker.track

    def spy(self: Tracker, frame: Frame):
        estimates.append(track(self, frame))
        return estimates[-1]

    monkeypatch.setattr(Tracker, 'track', spy)
    warm_up(room.scene, Settings())
    assert [estimate.trusted for estimate in estimates] == [True]

    tracker = Tracker(room.scene, Settings())
    tracker.start_at(pose_at(0))
    assert tracker.track(Frame(1, room.view(pose_at(0)), CAMERA)).trusted
