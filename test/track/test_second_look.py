"""The second look, and the check of the focal length, on images of the small room."""

import dataclasses

import numpy as np
import pytest
import torch
from support.meshes import quad
from support.relocalizers import at
from support.small_room import CAMERA, SmallRoom, clouds, looking, perturbed, photographed, pose_at

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.lm_aligner import LmAligner
from mesh_reloc_ros.config.declaration import build
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.focal_check import FocalCheck
from mesh_reloc_ros.track.second_look import SecondLook, median_depth
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

STEPS = (0, 10, 20)


def picture(room: SmallRoom, step: float, camera: Camera = CAMERA) -> Frame:
    return Frame(1, photographed(room.view(pose_at(step)), int(step)), camera)


def zoomed(factor: float) -> Camera:
    return dataclasses.replace(CAMERA, fx=factor * CAMERA.fx, fy=factor * CAMERA.fy)


def aligned(scene: Scene, frame: Frame, start: np.ndarray) -> Alignment:
    return LmAligner(scene, Settings().alignment).align(
        frame.image,
        frame.camera,
        torch.from_numpy(start)[None],
        None,
        wide=True,
    )


@pytest.mark.parametrize('step', STEPS)
def test_a_second_look_at_a_right_pose_ends_there(room, step):
    frame = picture(room, step)
    alignment = aligned(room.scene, frame, pose_at(step))
    look = SecondLook(room.scene, Settings())
    metres, radians = look.disagreement(frame, alignment, depth=2.5)
    assert metres < 0.005
    assert radians < 0.002
    assert look.doubts(frame, alignment, depth=2.5) == ''


@pytest.mark.parametrize(('metres', 'degrees'), [(0.07, 0.0), (0.0, 1.5), (0.5, 30.0)])
def test_a_second_look_at_a_wrong_pose_ends_elsewhere(room, metres, degrees):
    """However well that pose is said to agree."""
    claimed = at(perturbed(pose_at(0), 2, metres, degrees)).alignment
    reason = SecondLook(room.scene, Settings()).doubts(picture(room, 0), claimed, depth=2.5)
    assert 'second look from another start ends' in reason
    assert '\n' not in reason


def test_how_near_a_second_look_must_end_is_a_setting(room):
    claimed = at(perturbed(pose_at(0), 2, 0.07, 0.0)).alignment
    settings = build(
        Settings,
        {'tracking.max_realignment_distance': 0.09, 'tracking.max_realignment_angle': 0.1},
    )
    assert SecondLook(room.scene, settings).doubts(picture(room, 0), claimed, depth=2.5) == ''


def test_the_median_depth_is_that_of_what_is_seen():
    corners = ((-6, 3, -6), (6, 3, -6), (6, 3, 6), (-6, 3, 6))
    scene = Scene(quad(corners, clouds(seed=1)), 'cpu')
    towards = looking((0.0, 0.0, 0.0), 90.0, down_deg=0.0)
    assert median_depth(scene, towards, CAMERA) == pytest.approx(3, rel=1e-3)
    away = looking((0.0, 0.0, 0.0), -90.0, down_deg=0.0)
    assert median_depth(scene, away, CAMERA) == 1


def check_of(room: SmallRoom, camera: Camera, steps=STEPS) -> FocalCheck:
    check = FocalCheck(room.scene, Settings())
    for step in steps:
        frame = picture(room, step, camera)
        check.look(frame, aligned(room.scene, frame, pose_at(step)), depth=2.5)
    return check


@pytest.mark.parametrize(('factor', 'word'), [(1.06, 'too long'), (0.94, 'too short')])
def test_a_wrong_focal_length_is_told_by_its_sign(room, factor, word):
    camera = zoomed(factor)
    check = check_of(room, camera)
    assert word in check.doubts(camera)
    assert np.sign(check.error(camera)) == np.sign(factor - 1)
    # Another camera has not been looked at.
    assert check.doubts(CAMERA) == ''
    check.forget()
    assert check.doubts(camera) == ''


@pytest.mark.parametrize('factor', [1.0, 1.01, 0.99])
def test_a_focal_length_that_is_right_or_nearly_so_is_not_doubted(room, factor):
    camera = zoomed(factor)
    assert check_of(room, camera).doubts(camera) == ''


def test_another_camera_begins_anew(room):
    check = check_of(room, zoomed(1.06))
    frame = picture(room, 0)
    check.look(frame, aligned(room.scene, frame, pose_at(0)), depth=2.5)
    assert check.doubts(CAMERA) == ''
    assert check.doubts(zoomed(1.06)) == ''


def test_before_a_flat_wall_any_focal_length_may_be_right():
    corners = ((-6, 3, -6), (6, 3, -6), (6, 3, 6), (-6, 3, 6))
    scene = Scene(quad(corners, np.tile(clouds(seed=1), (4, 4, 1))), 'cpu')
    pose = looking((0.0, 0.0, 0.0), 90.0, down_deg=0.0)
    colour = scene.render(torch.from_numpy(pose), CAMERA).colour[0].numpy()
    image = photographed((255 * colour).round().astype(np.uint8), 1)
    for factor in (1.0, 1.06):
        frame = Frame(1, image, zoomed(factor))
        check = FocalCheck(scene, Settings())
        check.look(frame, aligned(scene, frame, pose), depth=3.0)
        assert check.doubts(frame.camera) == ''
