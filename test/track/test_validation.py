"""Validation of poses by a realignment and by the focal length, on images of the small room."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from support.meshes import quad
from support.relocalizers import at
from support.small_room import CAMERA, SmallRoom, clouds, looking, perturbed, photographed, pose_at

from mesh_reloc_ros.align.alignment import Alignment, AlignMode
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.intrinsics import IntrinsicsEstimate
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.declaration import build
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track import calibration_check
from mesh_reloc_ros.track._prediction import motion_from_pose
from mesh_reloc_ros.track._result import Rejected
from mesh_reloc_ros.track.calibration_check import CalibrationCheck
from mesh_reloc_ros.track.validation import PoseValidator, realign
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.estimate import Rejection, State
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose

STEPS = (0, 10, 20)
LIMITS = TrackingSettings()


def picture(room: SmallRoom, step: float, camera: Camera = CAMERA) -> Frame:
    return Frame(1, photographed(room.view(pose_at(step)), int(step)), camera)


def zoomed(factor: float) -> Camera:
    return dataclasses.replace(CAMERA, fx=factor * CAMERA.fx, fy=factor * CAMERA.fy)


def aligned(scene: Scene, frame: Frame, start: np.ndarray) -> Alignment:
    pyramid, pose = image_pyramid(frame.image, frame.camera), torch.from_numpy(start)[None]
    return align_lm(scene, pyramid, pose, None, AlignmentSettings(), AlignMode.COARSE)


def validate(
    room: SmallRoom, frame: Frame, alignment: Alignment, settings: Settings | None = None
) -> Rejected | None:
    """Return why the first pose of a track is rejected."""
    motion = motion_from_pose(InitialPose(alignment.pose), frame)
    return PoseValidator(room.scene).validate(
        frame, motion, alignment, State.INITIALIZING, settings or Settings(), acquiring=True
    )


@pytest.mark.parametrize('step', STEPS)
def test_a_realignment_at_a_right_pose_ends_there(room, step):
    frame = picture(room, step)
    alignment = aligned(room.scene, frame, pose_at(step))
    metres, radians = realign(room.scene, frame, alignment, AlignmentSettings())
    assert metres < 0.005
    assert radians < 0.002
    assert validate(room, frame, alignment) is None


@pytest.mark.parametrize(('metres', 'degrees'), [(0.07, 0.0), (0.0, 1.5), (0.5, 30.0)])
def test_a_realignment_at_a_wrong_pose_ends_elsewhere(room, metres, degrees):
    """However good its quality seems."""
    claimed = at(perturbed(pose_at(0), 2, metres, degrees))
    rejected = validate(room, picture(room, 0), claimed)
    assert rejected.rejection is Rejection.REALIGNMENT
    assert '\n' not in rejected.reason


def test_the_tolerance_of_a_realignment_is_a_setting(room):
    claimed = at(perturbed(pose_at(0), 2, 0.07, 0.0))
    settings = build(
        Settings,
        {'tracking.max_realignment_distance': 0.09, 'tracking.max_realignment_angle': 0.1},
    )
    rejected = validate(room, picture(room, 0), claimed, settings)
    assert rejected is None or rejected.rejection is not Rejection.REALIGNMENT


def test_a_pose_that_is_not_finite_is_rejected(room):
    broken = dataclasses.replace(
        at(pose_at(0)),
        map_T_camera=torch.full((1, 4, 4), np.nan, dtype=torch.float64),
    )
    motion = motion_from_pose(InitialPose(pose_at(0)), picture(room, 0))
    rejected = PoseValidator(room.scene).validate(
        picture(room, 0), motion, broken, State.TRACKING, Settings(), acquiring=False
    )
    assert rejected.rejection is Rejection.NOT_ALIGNED


@pytest.mark.parametrize('is_converged', [True, False])
def test_what_has_not_converged_is_realigned_even_on_a_track(room, is_converged):
    """A pose that fits the motion, and whose quality seems good, is realigned only then."""
    wrong = perturbed(pose_at(0), 2, 0.07, 0.0)
    claimed = dataclasses.replace(at(wrong), is_converged=is_converged)
    motion = motion_from_pose(InitialPose(wrong), picture(room, 0))
    rejected = PoseValidator(room.scene).validate(
        picture(room, 0), motion, claimed, State.TRACKING, Settings(), acquiring=False
    )
    assert (rejected is None) == is_converged
    assert is_converged or rejected.rejection is Rejection.REALIGNMENT


def check_of(room: SmallRoom, camera: Camera, steps=STEPS) -> CalibrationCheck:
    check = CalibrationCheck(room.scene)
    for step in steps:
        look(check, room.scene, picture(room, step, camera), pose_at(step))
    return check


def look(check: CalibrationCheck, scene: Scene, frame: Frame, pose: np.ndarray) -> None:
    check.look(frame, aligned(scene, frame, pose), AlignmentSettings())


@pytest.mark.parametrize('factor', [1.06, 0.94, 1.2, 0.85])
def test_a_wrong_focal_length_is_rejected_and_the_right_one_named(room, factor):
    camera = zoomed(factor)
    check = check_of(room, camera)
    rejected = check.check(camera, LIMITS)
    assert rejected.rejection is Rejection.CALIBRATION
    focal, given = re.search(r'focal length of about (\d+) px, not (\d+)', rejected.reason).groups()
    assert float(focal) == pytest.approx(CAMERA.fx, rel=0.01)
    assert float(given) == pytest.approx(camera.fx, abs=0.5)
    assert 'principal' not in rejected.reason
    # Another camera has not been looked at.
    assert check.check(CAMERA, LIMITS) is None
    check.forget()
    assert check.check(camera, LIMITS) is None


@pytest.mark.parametrize('shift', [(0.06, 0.0), (-0.04, 0.08), (0.0, -0.12)])
def test_a_wrong_principal_point_is_rejected_and_the_right_one_named(room, shift):
    """As of a crop that camera_info does not tell."""
    cx, cy = (c + CAMERA.fx * s for c, s in zip((CAMERA.cx, CAMERA.cy), shift, strict=True))
    camera = dataclasses.replace(CAMERA, cx=cx, cy=cy)
    rejected = check_of(room, camera).check(camera, LIMITS)
    assert rejected.rejection is Rejection.CALIBRATION
    named = re.search(r'principal point of about \((-?\d+), (-?\d+)\)', rejected.reason).groups()
    expected = pytest.approx((CAMERA.cx, CAMERA.cy), abs=0.01 * CAMERA.fx + 0.5)
    assert (float(named[0]), float(named[1])) == expected
    assert 'focal' not in rejected.reason


@pytest.mark.parametrize('factor', [1.0, 1.01, 0.99])
def test_a_focal_length_that_is_right_or_nearly_so_passes(room, factor):
    camera = zoomed(factor)
    assert check_of(room, camera).check(camera, LIMITS) is None


def test_evidence_on_one_camera_does_not_count_for_another(room):
    check = check_of(room, zoomed(1.06))
    look(check, room.scene, picture(room, 0), pose_at(0))
    assert check.check(CAMERA, LIMITS) is None
    assert check.check(zoomed(1.06), LIMITS) is None


def test_the_next_look_is_due_after_a_period_or_when_time_goes_back(room):
    check = CalibrationCheck(room.scene)
    for step, period_s in ((0, 0.5), (1, 0.5), (2, 0.5), (3, 2.0)):
        frame = picture(room, step)
        look(check, room.scene, frame, pose_at(step))
        last_ns = frame.stamp_ns
        assert not check.is_due(last_ns + 1)
        assert not check.is_due(last_ns + round((period_s - 0.1) * 1e9))
        assert check.is_due(last_ns + round((period_s + 0.1) * 1e9))
        assert check.is_due(last_ns - 1)


@pytest.mark.parametrize(
    ('error', 'gain', 'is_rejected'),
    [
        (0.2, 0.0, True),
        (0.2, -0.05, False),
        (0.03, 0.1, True),
        (0.03, 0.0, False),
        (0.005, 0.1, False),
    ],
)
def test_an_error_counts_if_correcting_it_helps_or_if_it_is_large(
    room, monkeypatch, error, gain, is_rejected
):
    estimate = IntrinsicsEstimate(
        np.array([error, 0, 0]), np.diag(1 / np.array([8e-3, 5e-3, 5e-3]) ** 2), gain
    )
    monkeypatch.setattr(calibration_check, 'estimate_intrinsics', lambda *_, **__: estimate)
    check = check_of(room, CAMERA)
    assert (check.check(CAMERA, LIMITS) is not None) is is_rejected


def test_a_bad_look_does_not_lead_the_next_ones_astray(room, monkeypatch):
    estimate, errors = calibration_check.estimate_intrinsics, []
    bad = IntrinsicsEstimate(np.array([-0.2, 0, 0.2]), np.diag(np.full(3, 0.006**-2)), -0.05)
    monkeypatch.setattr(calibration_check, 'estimate_intrinsics', lambda *_, **__: bad)
    check = check_of(room, CAMERA, STEPS[:1])

    def spied(*args, **keywords):
        found = estimate(*args, **keywords)
        errors.append(found.error)
        return found

    monkeypatch.setattr(calibration_check, 'estimate_intrinsics', spied)
    look(check, room.scene, picture(room, STEPS[1]), pose_at(STEPS[1]))
    assert np.abs(errors[0]).max() < 0.02


def wall_check(turned_deg: float, factor: float) -> Rejected | None:
    """Return what one look at a flat wall, seen from the front or turned, says of a zoom."""
    corners = ((-9, 3, -6), (9, 3, -6), (9, 3, 6), (-9, 3, 6))
    scene = Scene(quad(corners, np.tile(clouds(seed=1), (4, 6, 1))), 'cpu')
    pose = looking((0.0, 0.0, 0.0), 90.0 - turned_deg, down_deg=0.0)
    colour = scene.render(torch.from_numpy(pose), CAMERA).colour[0].numpy()
    image = photographed((255 * colour).round().astype(np.uint8), 1)
    frame = Frame(1, image, zoomed(factor))
    check = CalibrationCheck(scene)
    check.look(frame, aligned(scene, frame, pose), AlignmentSettings())
    return check.check(frame.camera, LIMITS)


@pytest.mark.parametrize('turned_deg', [0.0, 25.0])
@pytest.mark.parametrize('factor', [0.82, 0.94, 1.0, 1.06, 1.22])
def test_before_a_flat_wall_any_focal_length_may_be_right(turned_deg, factor):
    assert wall_check(turned_deg, factor) is None
