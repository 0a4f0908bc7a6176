import numpy as np
from support.small_room import pose_at

from mesh_reloc_ros.initialization import Initialization, InitialPoseQueue
from mesh_reloc_ros.types.initial_pose import InitialPose


def at(step: float, name: str = 'the initial pose') -> Initialization:
    return Initialization(InitialPose(pose_at(step)), name)


def test_requests_are_taken_once():
    starts = InitialPoseQueue(at(0), can_search=True)
    np.testing.assert_array_equal(starts.take().pose.map_T_camera, pose_at(0))
    assert starts.take() is None


def test_reset_returns_to_the_start():
    for can_search in (True, False):
        starts = InitialPoseQueue(at(0), can_search)
        starts.trust(pose_at(4))
        starts.take()
        assert starts.reset() == 'the initial pose'
        np.testing.assert_array_equal(starts.take().pose.map_T_camera, pose_at(0))
        np.testing.assert_array_equal(starts.latest, pose_at(0))


def test_relocalizing_searches_everywhere_where_it_can():
    starts = InitialPoseQueue(at(0), can_search=True)
    starts.take()
    assert starts.relocalize() == 'a search of the whole mesh'
    assert starts.take().pose is None


def test_relocalizing_without_a_search_returns_to_the_last_trusted_pose():
    starts = InitialPoseQueue(at(0), can_search=False)
    assert starts.relocalize() == 'the initial pose'
    np.testing.assert_array_equal(starts.take().pose.map_T_camera, pose_at(0))
    starts.trust(pose_at(4))
    assert starts.relocalize() == 'the last trusted pose'
    np.testing.assert_array_equal(starts.take().pose.map_T_camera, pose_at(4))


def test_without_any_pose_there_is_a_search_or_nothing():
    searching = InitialPoseQueue(None, can_search=True)
    assert searching.take().pose is None
    assert searching.reset() == 'a search of the whole mesh'
    starts = InitialPoseQueue(None, can_search=False)
    assert starts.take() is None
    assert starts.reset() == ''
    assert starts.relocalize() == ''
    assert starts.take() is None
    starts.give(at(1))
    assert starts.reset() == 'the initial pose'
    np.testing.assert_array_equal(starts.take().pose.map_T_camera, pose_at(1))


def test_what_was_given_last_is_what_reset_returns_to():
    starts = InitialPoseQueue(at(0), can_search=True)
    covariance = np.eye(6)
    starts.give(Initialization(InitialPose(pose_at(1), covariance), 'the pose from initialpose'))
    starts.take()
    assert starts.reset() == 'the pose from initialpose'
    assert starts.take().pose.covariance is covariance
    starts.change(None)
    assert starts.reset() == 'a search of the whole mesh'


def test_the_image_in_work_does_not_take_the_place_of_a_new_start():
    starts = InitialPoseQueue(at(0), can_search=True)
    starts.take()
    starts.give(at(9))
    # Its pose is of the time before.
    starts.trust(pose_at(1))
    np.testing.assert_array_equal(starts.latest, pose_at(9))
    starts.take()
    starts.trust(pose_at(8))
    np.testing.assert_array_equal(starts.latest, pose_at(8))


def test_after_a_rest_the_last_trusted_pose_comes_first_but_not_before_a_request():
    starts = InitialPoseQueue(at(0), can_search=True)
    starts.take()
    starts.trust(pose_at(4))
    assert starts.resume() == 'the last trusted pose'
    starts.relocalize()
    assert starts.resume() == 'a search of the whole mesh'
    assert starts.take().pose is None


def test_a_suggestion_does_not_take_the_place_of_what_a_user_wants():
    starts = InitialPoseQueue(None, can_search=True)
    for wish in (lambda: starts.give(at(9)), starts.relocalize, starts.reset):
        wish()
        starts.suggest(at(1))
        wanted = starts.take()
        assert wanted.pose is None or wanted.pose.map_T_camera[0, 3] == pose_at(9)[0, 3]
        starts.suggest(at(1))
        assert starts.take() is None
        # The camera has been found, and is lost again.
        starts.trust(pose_at(9))
        starts.suggest(at(1))
        np.testing.assert_array_equal(starts.take().pose.map_T_camera, pose_at(1))


def test_suggestions_come_once_until_a_pose_is_trusted():
    starts = InitialPoseQueue(at(0), can_search=True)
    starts.take()
    for _ in range(2):
        starts.suggest(at(1))
        assert starts.take() is not None
        starts.suggest(at(2))
        assert starts.take() is None
        starts.trust(pose_at(1))


def test_beginning_again_takes_a_suggestion_or_the_start():
    starts = InitialPoseQueue(at(0), can_search=True)
    starts.take()
    starts.trust(pose_at(4))
    assert starts.begin_again() == 'the initial pose'
    np.testing.assert_array_equal(starts.take().pose.map_T_camera, pose_at(0))
    assert starts.begin_again(at(3, 'there')) == 'there'
    np.testing.assert_array_equal(starts.take().pose.map_T_camera, pose_at(3))
    # That was no user's wish.
    starts.trust(pose_at(3))
    starts.suggest(at(1))
    assert starts.take() is not None
