"""What the GPU does, against the CPU. Without a GPU, one is emulated; see the fixture `gpu`."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.small_room import CAMERA, error, perturbed, photographed, pose_at

from mesh_reloc_ros.align import _assessment
from mesh_reloc_ros.align import pyramid as pyramid_module
from mesh_reloc_ros.align._device_solver import DeviceImage
from mesh_reloc_ros.align.coarse_to_fine import align_lm, tracking_keyframe
from mesh_reloc_ros.align.keyframe import make_keyframe
from mesh_reloc_ros.align.pyramid import image_pyramid, with_usable
from mesh_reloc_ros.config.alignment import AdamSettings, AlignmentSettings
from mesh_reloc_ros.config.overlay import OverlaySettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.overlay import draw_overlay
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.relocalize._cache import ViewCache
from mesh_reloc_ros.relocalize._candidates import ROUNDS, align_candidates
from mesh_reloc_ros.relocalize._thumbnails import Thumbnails
from mesh_reloc_ros.relocalize._viewpoints import _probed
from mesh_reloc_ros.render.grey import with_colour_mode
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.estimate import PoseEstimate, State
from mesh_reloc_ros.types.frame import Frame

# Few views, as an emulated GPU is slow.
CACHELESS = RelocalizationSettings(
    viewpoint_spacing=1.0, max_memory=2.1, candidates=40, cache=False
)
NO_SEARCH = RelocalizationSettings(enabled=False)
NEAR_M, NEAR_DEG = 1e-4, 0.005


@pytest.fixture(scope='module')
def frames(room):
    return [
        Frame(1_000_000_000 + 80_000_000 * k, photographed(room.view(pose_at(k)), k), CAMERA)
        for k in range(8)
    ]


@pytest.fixture
def scene(gpu, room):
    scene = Scene.load(room.mesh)
    assert scene.device.type == 'cuda'
    assert scene.rasterizer.name == 'pytorch3d'
    return scene


def tracked(room, frames, settings, start=None):
    """Return the poses of images, None where they are not trusted."""
    with Pipeline.load(room.mesh, settings) as pipeline:
        if not settings.relocalization.enabled:
            pipeline.start_at(pose_at(0) if start is None else start)
        poses = []
        for frame in frames:
            estimate = pipeline.track(frame)
            pipeline.look_ahead()
            poses.append(estimate.map_T_camera if estimate.trusted else None)
    return poses


def assert_near(pose, other, metres=NEAR_M, degrees=NEAR_DEG):
    away_m, away_deg = error(pose, other)
    assert away_m < metres
    assert away_deg < degrees


def test_a_render_is_that_of_the_cpu(scene, room):
    poses = torch.from_numpy(np.stack([pose_at(0), pose_at(9)]))
    expected = room.scene.render(poses, CAMERA)
    pixels = torch.randint(
        CAMERA.width * CAMERA.height, (2, 500), generator=torch.Generator().manual_seed(1)
    )
    render = scene.render(poses, CAMERA)
    some = scene.render(poses, CAMERA, pixels.to(scene.device)).colour.cpu()
    face, colour, depth = render.face.cpu(), render.colour.cpu(), render.depth.cpu()
    same = face == expected.face
    assert same.float().mean() > 0.998
    assert (depth - expected.depth)[same].abs().max() < 1e-4
    assert (colour - expected.colour)[same].abs().max() < 5e-3
    picked = colour.flatten(1, 2).gather(1, pixels[..., None].expand(-1, -1, 3))
    assert torch.allclose(picked, some, atol=1e-6)


@pytest.mark.parametrize('max_points', [4800, 400])
def test_a_keyframe_has_the_points_of_the_cpu(scene, room, max_points):
    """With patches and without; as it is, then as a graph."""
    pose = torch.from_numpy(pose_at(3))[None]
    expected = make_keyframe(room.scene, pose, CAMERA, 0, 2, max_points)
    for _ in range(3):
        found = make_keyframe(scene, pose, CAMERA, 0, 2, max_points)
        assert [level.number for level in found.levels] == [
            level.number for level in expected.levels
        ]
        assert float(found.coverage - expected.coverage) == pytest.approx(0, abs=1e-3)
        levels, others = ([*each.levels, each.score_level] for each in (found, expected))
        for level, other in zip(levels, others, strict=True):
            a, b = level.surface, other.surface
            assert a.weights.shape == b.weights.shape
            both = (a.weights > 0) & (b.weights > 0)
            assert both.sum() > 0.97 * max((a.weights > 0).sum(), (b.weights > 0).sum())
            # Where two pixels of a cell are equally strong, either may be chosen.
            same = both & (np.abs(a.points - b.points).max(-1) < 1e-3)
            assert same.sum() > 0.95 * both.sum()
            assert np.abs(a.colours - b.colours)[same].max() < 1e-2
            # At a border, a neighbour may show another surface.
            assert np.quantile(np.abs(a.gradients - b.gradients)[same], 0.995) < 1e-2


@pytest.mark.parametrize(('height', 'width'), [(60, 80), (45, 63)])
def test_levels_of_an_image_are_those_of_the_cpu(gpu, height, width):
    generator = np.random.default_rng(3)
    image = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = np.where(generator.random((height, width)) > 0.1, 255, 0).astype(np.uint8)
    levels = with_usable(image_pyramid(image, CAMERA), mask)
    found = DeviceImage(torch.from_numpy(image).to('cuda'), torch.from_numpy(mask).to('cuda'))
    for expected in levels[1:4]:
        found = found.halved()
        np.testing.assert_array_equal(found.pixels.cpu().numpy(), expected.image)
        np.testing.assert_array_equal(found.usable.cpu().numpy(), expected.usable)


@pytest.mark.parametrize(
    ('solver_device', 'border', 'finest'), [('cpu', 0, 0), ('cuda', 0, 0), ('cuda', 30, 1)]
)
def test_an_image_is_aligned_as_on_the_cpu(
    scene, room, frames, solver_device, border, finest, monkeypatch
):
    """Each with the keyframe of its own device: pose, covariance, score.

    Also with a black border, and not down to the full image. All of the image that is needed is
    summed up on the GPU, where its coarser levels are made.
    """
    start = torch.from_numpy(perturbed(pose_at(2), 1, 0.02, 0.5))[None]
    image = frames[2].image.copy()
    image[:border] = 0
    pyramid = image_pyramid(image, CAMERA)
    assert (pyramid[0].usable is not None) == (border > 0)
    settings = AlignmentSettings(max_iterations=6, levels=2, finest_level=finest)
    expected = align_lm(room.scene, pyramid, start, None, settings)
    settings = replace(settings, solver_device=solver_device)
    keyframe = tracking_keyframe(scene, start, CAMERA, settings)
    if solver_device == 'cuda':
        pyramid = image_pyramid(image, CAMERA)
        assert pyramid[finest].number == finest
        monkeypatch.setattr(_assessment, '_gathered', None)
        monkeypatch.setattr(pyramid_module, '_halved', None)
    for _ in range(2):
        found = align_lm(scene, pyramid, start, None, settings, keyframe=keyframe)
        assert_near(found.pose, expected.pose)
        np.testing.assert_allclose(
            np.sqrt(np.diag(found.pose_covariance)),
            np.sqrt(np.diag(expected.pose_covariance)),
            rtol=0.05,
        )
        assert float(found.score) == pytest.approx(float(expected.score), abs=2e-3)
        assert float(found.inlier_ratio) == pytest.approx(float(expected.inlier_ratio), abs=5e-3)
    assert scene.solving is not None
    assert not scene.solving.has_failed


def test_the_solver_on_the_gpu_tracks_as_the_hybrid(gpu, room, frames):
    alignment = AlignmentSettings(solver_device='cuda', max_iterations=2, levels=2)
    settings = Settings(alignment=alignment, relocalization=NO_SEARCH)
    hybrid = replace(settings, alignment=replace(alignment, solver_device='cpu'))
    poses = tracked(room, frames[:4], settings)
    for pose, other in zip(poses, tracked(room, frames[:4], hybrid), strict=True):
        assert_near(pose, other)


def test_candidates_are_aligned_and_ordered_as_on_the_cpu(scene, room, frames):
    starts = np.stack([perturbed(pose_at(0), k, 0.02 * k, 0.5 * k) for k in range(4)])
    pyramid = image_pyramid(frames[0].image, CAMERA)
    # Triton's interpreter is slow.
    rounds = tuple(replace(each, iterations=3) for each in ROUNDS[1:3])
    found, hybrid, expected = (
        align_candidates(each, pyramid, torch.from_numpy(starts), rounds, on_device=on_device)
        for each, on_device in ((scene, True), (scene, False), (room.scene, False))
    )
    assert not scene.solving.has_failed
    assert_near(found.map_T_camera[0].numpy(), hybrid.map_T_camera[0].numpy())
    assert_near(found.map_T_camera[0].numpy(), expected.map_T_camera[0].numpy(), 2e-3, 0.05)
    for other, far in ((hybrid, 1e-5), (expected, 5e-3)):
        assert float(found.score[0]) == pytest.approx(float(other.score[0]), abs=far)
        assert float(found.distance[0]) == pytest.approx(float(other.distance[0]), rel=far)


def test_the_camera_is_found_from_nothing(gpu, room, frames):
    poses = tracked(room, frames[:1], Settings(relocalization=CACHELESS))
    expected = tracked(room, frames[:1], Settings(device='cpu', relocalization=CACHELESS))
    assert_near(poses[0], expected[0])
    assert_near(poses[0], pose_at(0), 0.01, 0.2)


def test_thumbnails_propose_the_same_poses(scene, room, frames):
    settings = replace(CACHELESS, max_viewpoints=8)
    found = proposed(scene, frames[0], settings)
    expected = proposed(room.scene, frames[0], settings)
    assert len(found) == len(expected)
    nearest = [min(error(pose, other)[1] for other in found) for pose in expected[:20]]
    assert np.mean(np.array(nearest) < 3.0) > 0.8


def proposed(scene, frame, settings):
    positions = np.stack([pose_at(step)[:3, 3] for step in range(0, 24, 3)])
    cache = ViewCache(scene, settings, None)
    thumbnails = Thumbnails(lambda: cache.panoramas(positions), settings, scene.device)
    return thumbnails.propose(with_colour_mode(frame, mesh_is_grey=False))


def test_viewpoints_see_what_they_see_on_the_cpu(scene, room):
    positions = np.stack([pose_at(0)[:3, 3], (0.1, 0.17, 2.03), (0.31, -0.1, -1.02)])
    found, expected = (vars(_probed(each, positions)).values() for each in (scene, room.scene))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=0.02)


def test_the_reference_solver_takes_the_steps_of_the_cpu(gpu, room, frames):
    settings = Settings(
        solver='adam',
        adam=AdamSettings(iterations=3),
        alignment=AlignmentSettings(finest_level=2),
        relocalization=NO_SEARCH,
    )
    start = perturbed(pose_at(0), 3, 0.02, 0.5)
    (pose,) = tracked(room, frames[:1], settings, start)
    (expected,) = tracked(room, frames[:1], replace(settings, device='cpu'), start)
    assert error(pose, start)[0] > 1e-3
    assert_near(pose, expected)


@pytest.mark.parametrize('mode', ['edges', 'tint', 'side_by_side', 'difference'])
def test_overlays_are_those_of_the_cpu(scene, room, frames, mode):
    settings, estimate = OverlaySettings(mode=mode), located(pose_at(0))
    expected = draw_overlay(room.scene, frames[0], estimate, 1.0, settings)
    drawn = draw_overlay(scene, frames[0], estimate, 1.0, settings)
    assert (np.abs(drawn.astype(int) - expected).max(-1) > 8).mean() < 0.01


def located(map_T_camera):
    return PoseEstimate(
        1,
        State.TRACKING,
        rejection=None,
        reason='',
        map_T_camera=map_T_camera,
        covariance=np.eye(6),
        is_located=True,
        stages_ms={},
    )
