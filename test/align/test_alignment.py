"""Alignment of whole images of the small room, by both solvers: poses, exposure, quality."""

import numpy as np
import pytest
import torch
from support.meshes import joined, quad
from support.small_room import (
    CAMERA,
    SmallRoom,
    clouds,
    error,
    looking,
    perturbed,
    photographed,
    pose_at,
)

from mesh_reloc_ros.align._adam import align_adam
from mesh_reloc_ros.align.alignment import AlignMode
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AdamSettings, AlignmentSettings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

TRUE = pose_at(0.5)
# PyTorch3D's gradients take their time on a CPU.
SMALL = Camera(width=48, height=36, fx=40.0, fy=41.0, cx=22.6, cy=18.7)
BEFORE_THE_PANELS = np.eye(4)


def align(
    scene,
    image,
    starts,
    mode=AlignMode.TRACK,
    camera=CAMERA,
    exposure=None,
    keyframe=None,
    **settings,
):
    """Align by Levenberg-Marquardt."""
    return align_lm(
        scene,
        image_pyramid(image, camera),
        torch.from_numpy(np.stack(starts)),
        exposure,
        AlignmentSettings(**settings),
        mode,
        keyframe=keyframe,
    )


def align_slowly(scene, image, starts, **adam):
    """Align a small image by Adam."""
    poses = torch.from_numpy(np.stack(starts))
    settings = AlignmentSettings(finest_level=0)
    return align_adam(
        scene, image_pyramid(image, SMALL), poses, None, settings, AdamSettings(**adam)
    )


def pixels_off(room: SmallRoom, estimate) -> float:
    """Return how far the image of the room lies from where it should, median, in pixels."""
    depth = room.scene.render(torch.from_numpy(TRUE), CAMERA).depth[0, ::4, ::4]
    rays = CAMERA.rays().double()[::4, ::4]
    points = (rays * depth[..., None])[depth > 0]
    moved = torch.linalg.inv(torch.from_numpy(estimate)) @ torch.from_numpy(TRUE)
    seen = CAMERA.project(points @ moved[:3, :3].T + moved[:3, 3])
    return float((seen - CAMERA.project(points)).norm(dim=-1).median())


@pytest.mark.parametrize('seed', range(6))
def test_lm_finds_the_pose_of_a_noisy_image_to_a_fraction_of_a_pixel(room, seed):
    image = photographed(room.view(TRUE), seed)
    start = perturbed(TRUE, seed, metres=0.03, degrees=1.0)
    assert pixels_off(room, start) > 1
    alignment = align(room.scene, image, [start])
    estimate = alignment.pose
    assert pixels_off(room, estimate) < 0.1
    metres, degrees = error(estimate, TRUE)
    assert metres < 0.004
    assert degrees < 0.06
    assert float(alignment.score[0]) > 0.95
    assert float(alignment.inlier_ratio[0]) > 0.9


@pytest.mark.parametrize('seed', range(6))
def test_the_coarse_mode_finds_it_from_far_off(room, seed):
    image = photographed(room.view(TRUE), seed)
    start = perturbed(TRUE, 100 + seed, metres=0.15, degrees=5.0)
    estimate = align(room.scene, image, [start], AlignMode.COARSE).pose
    assert pixels_off(room, estimate) < 0.1


def test_tracking_finds_it_from_far_off_for_coarse_levels_go_on_until_the_pose_has_settled(room):
    image = photographed(room.view(TRUE), 3)
    starts = [perturbed(TRUE, seed, metres=0.3, degrees=8.0) for seed in range(12)]
    found = align(room.scene, image, starts).map_T_camera.numpy()
    # Whatever the noise, 10 or 11; with as many steps as at the finest level, 6 or 7.
    assert sum(error(pose, TRUE)[0] < 0.01 for pose in found) >= 9


@pytest.fixture
def renders(monkeypatch) -> list[torch.Tensor]:
    """Return the poses [B, 4, 4] that whole views are rendered from, as that happens."""
    rendered = []
    render = Scene.render

    def spy(scene, map_T_camera, camera, pixels=None, **others):
        if pixels is None:
            rendered.append(map_T_camera)
        return render(scene, map_T_camera, camera, pixels, **others)

    monkeypatch.setattr(Scene, 'render', spy)
    return rendered


def test_a_keyframe_serves_for_views_near_by_without_another_render(room, renders):
    keyframe = align(room.scene, room.view(TRUE), [TRUE]).keyframe
    pose = perturbed(TRUE, 11, metres=0.05, degrees=2.0)
    image = room.view(pose)
    renders.clear()
    # One step a level: it ends where it started, or the motion from the render is wrong.
    alignment = align(room.scene, image, [pose], keyframe=keyframe, max_iterations=1)
    assert not renders
    assert alignment.keyframe is keyframe
    off_metres, off_degrees = error(alignment.pose, pose)
    assert off_metres < 0.005
    assert off_degrees < 0.1


@pytest.mark.parametrize('mode', AlignMode)
def test_an_alignment_is_a_function_of_its_arguments(room, mode):
    """Whatever was aligned before."""
    image, start = photographed(room.view(TRUE), 1), perturbed(TRUE, 1, metres=0.02, degrees=0.7)
    first = align(room.scene, image, [start], mode)
    align(room.scene, room.view(TRUE), [TRUE], AlignMode.COARSE)
    again = align(room.scene, image, [start], mode)
    for name in ('map_T_camera', 'covariance', 'exposure', 'score', 'inlier_ratio', 'coverage'):
        assert torch.equal(getattr(again, name), getattr(first, name)), name


def test_parts_of_the_image_may_be_lit_differently(room):
    """As with a lamp, or with a texture baked from photographs of several exposures."""
    image = room.view(TRUE).astype(np.float64)
    image[:, :160] += 0.1 * 255
    image[:, 160:] = 0.8 * image[:, 160:] + 5
    image = image.round().clip(0, 255).astype(np.uint8)
    starts = [perturbed(TRUE, seed, metres=0.03, degrees=1.0) for seed in range(4)]
    for start in starts:
        alignment = align(room.scene, image, [start], AlignMode.COARSE)
        assert pixels_off(room, alignment.pose) < 0.1


def test_a_batch_is_aligned_as_its_starts_are_one_by_one(room):
    image = photographed(room.view(TRUE), 1)
    starts = [perturbed(TRUE, seed, metres=0.02, degrees=0.7) for seed in range(3)]
    together = align(room.scene, image, starts)
    assert together.map_T_camera.shape == (3, 4, 4)
    assert together.covariance.shape == (3, 6, 6)
    assert together.exposure.shape == (3, 6)
    for i, start in enumerate(starts):
        alone = align(room.scene, image, [start])
        assert torch.allclose(together.map_T_camera[i], alone.map_T_camera[0], atol=1e-9)
        assert torch.allclose(together.covariance[i], alone.covariance[0], rtol=1e-6)
        assert float(together.score[i]) == pytest.approx(float(alone.score[0]), abs=1e-5)


def test_gain_and_offset_of_each_channel_are_found(room):
    gain, offset = (1.1, 0.8, 1.0), (-20.0, 15.0, 4.0)
    image = photographed(room.view(TRUE), 2, gain, offset)
    alignment = align(room.scene, image, [perturbed(TRUE, 3, metres=0.02, degrees=0.7)])
    expected = np.concatenate((gain, np.array(offset) / 255))
    # Sampling the image between its pixels takes some of its contrast.
    np.testing.assert_allclose(alignment.exposure[0], expected, atol=0.04)
    assert pixels_off(room, alignment.pose) < 0.1
    # The same exposure to begin with changes nothing of what is found.
    exposure = torch.tensor(expected[None], dtype=torch.float32)
    again = align(room.scene, image, [TRUE], exposure=exposure, keyframe=alignment.keyframe)
    assert pixels_off(room, again.pose) < 0.1


def test_errors_are_as_large_as_the_covariance_says_or_smaller(room):
    """The covariance allows for errors that independent noise does not make."""
    distances = []
    for seed in range(12):
        alignment = align(
            room.scene,
            photographed(room.view(TRUE), seed, noise=8.0),
            [perturbed(TRUE, seed, metres=0.02, degrees=0.5)],
        )
        covariance = alignment.pose_covariance
        np.testing.assert_allclose(covariance, covariance.T, atol=1e-12)
        assert np.linalg.eigvalsh(covariance).min() > 0
        # Of the twist x in estimate exp(x): small, so the rotation vector is that of the matrix.
        off = np.linalg.inv(alignment.pose) @ TRUE
        twist = np.array([*off[:3, 3], off[2, 1], off[0, 2], off[1, 0]])
        distances.append(twist @ np.linalg.solve(covariance, twist) / 6)
    assert np.mean(distances) < 1.0
    assert np.mean(distances) > 1e-4


def test_coverage_is_the_share_of_the_image_with_mesh(room):
    past_the_corner = looking((1.2, -1.9, 1.5), heading_deg=-60.0, down_deg=5.0)
    for pose in (TRUE, past_the_corner):
        mask = room.scene.render(torch.from_numpy(pose), CAMERA).mask
        alignment = align(room.scene, room.view(pose), [pose])
        assert float(alignment.coverage[0]) == pytest.approx(float(mask.float().mean()), abs=0.01)
    assert mask.float().mean() < 0.7


OUTSIDE = looking((0.0, -6.0, 1.5), heading_deg=-90.0, down_deg=0.0)


@pytest.mark.parametrize('mode', AlignMode)
@pytest.mark.parametrize('case', ['nothing in view', 'black', 'white', 'grey'])
def test_lm_yields_numbers_and_no_good_score_where_nothing_can_be_aligned(room, case, mode):
    value = {'black': 0, 'white': 255, 'grey': 128}.get(case)
    image = room.view(TRUE) if value is None else np.full((240, 320, 3), value, np.uint8)
    start = OUTSIDE if value is None else TRUE
    alignment = align(room.scene, image, [start], mode)
    for name in ('map_T_camera', 'covariance', 'exposure', 'score', 'inlier_ratio', 'coverage'):
        assert torch.isfinite(getattr(alignment, name)).all(), name
    assert float(alignment.score[0]) < 0.1
    if value is None:
        assert float(alignment.coverage[0]) == 0
        assert float(alignment.inlier_ratio[0]) == 0
        np.testing.assert_allclose(alignment.map_T_camera[0], start, atol=1e-6)


@pytest.fixture(scope='module')
def panels() -> Scene:
    """Return textured panels at several depths, all in front of the camera at the origin."""
    corners = {
        'back': ((-4, 3, 4), (4, 3, 4), (4, -3, 4), (-4, -3, 4)),
        'left': ((-1.4, 1.1, 1.4), (-0.4, 1.1, 2.0), (-0.4, -0.5, 2.0), (-1.4, -0.5, 1.4)),
        'right': ((0.3, 0.2, 1.8), (1.2, 0.2, 1.2), (1.2, -0.8, 1.2), (0.3, -0.8, 1.8)),
        'low': ((-0.3, 0.9, 1.3), (1.0, 0.9, 1.3), (1.0, 0.5, 2.4), (-0.3, 0.5, 2.4)),
    }
    return Scene(joined(*(quad(c, clouds(i)) for i, c in enumerate(corners.values()))), 'cpu')


def panel_view(panels: Scene):
    colour = panels.render(torch.from_numpy(BEFORE_THE_PANELS), SMALL).colour[0].numpy()
    return photographed((255 * colour).round().astype(np.uint8), 4, (1.1, 0.95, 1.0), (0, 5, -5))


@pytest.mark.parametrize('backend', ['pytorch3d', 'embree'])
def test_adam_and_lm_reach_the_same_pose(panels, backend):
    """By gradients through the render, and by a Jacobian of the image's."""
    scene = Scene(panels.mesh, 'cpu', backend)
    image, start = panel_view(panels), perturbed(BEFORE_THE_PANELS, 7, metres=0.03, degrees=1.0)
    by_adam = align_slowly(scene, image, [start], learning_rate=0.005, patience=12, min_gain=2e-5)
    by_lm = align(scene, image, [start], camera=SMALL, finest_level=0)
    # Sampling the image between its pixels takes of its contrast, which is all that is left for a
    # gain to be told by where small blocks have an offset of their own.
    for alignment, tolerance in ((by_adam, 0.08), (by_lm, 0.1)):
        metres, degrees = error(alignment.pose, BEFORE_THE_PANELS)
        assert metres < 0.005
        assert degrees < 0.15
        np.testing.assert_allclose(alignment.exposure[0, :3], (1.1, 0.95, 1.0), atol=tolerance)
    metres, degrees = error(by_adam.pose, by_lm.pose)
    assert metres < 0.005
    assert degrees < 0.15
    assert by_adam.iterations > by_lm.iterations


def test_adam_stops_when_nothing_is_gained(panels):
    adam = {'iterations': 40, 'patience': 3, 'min_gain': 1.0}
    alignment = align_slowly(panels, panel_view(panels), [BEFORE_THE_PANELS], **adam)
    assert alignment.iterations == 4


@pytest.mark.parametrize('backend', ['pytorch3d', 'embree'])
@pytest.mark.parametrize('case', ['nothing in view', 'black'])
def test_adam_yields_numbers_where_nothing_can_be_aligned(panels, backend, case):
    scene = Scene(panels.mesh, 'cpu', backend)
    image = panel_view(panels) if case == 'nothing in view' else np.zeros((36, 48, 3), np.uint8)
    start = OUTSIDE if case == 'nothing in view' else BEFORE_THE_PANELS
    alignment = align_slowly(scene, image, [start], iterations=5)
    for name in ('map_T_camera', 'covariance', 'exposure', 'score', 'inlier_ratio', 'coverage'):
        assert torch.isfinite(getattr(alignment, name)).all(), name
    assert float(alignment.score[0]) < 0.1
