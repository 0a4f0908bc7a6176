"""The covariance: its sums, weak directions, and what textured noise does to it."""

import dataclasses
import math

import cv2
import numpy as np
import pytest
import torch
from mesh_reloc_evaluation.small_room import CAMERA, pose_at, small_room_mesh
from support.oracle import covariance as oracle
from support.photometric import random_problem

from mesh_reloc_ros.align._covariance import BlockSums, block_figures, pose_covariance
from mesh_reloc_ros.align.alignment import neutral_exposure
from mesh_reloc_ros.align.lm import solve
from mesh_reloc_ros.align.points import SurfacePoints, select_points
from mesh_reloc_ros.align.pyramid import ImageLevel, render_pyramid
from mesh_reloc_ros.kernels.covariance import CELL
from mesh_reloc_ros.kernels.layout import CURVATURE, FIGURES, PLACE, RENDER, UNKNOWNS
from mesh_reloc_ros.kernels.levenberg_marquardt import SolverOptions
from mesh_reloc_ros.kernels.map_error import MapError, seen_displacement, squares
from mesh_reloc_ros.kernels.se3 import log
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import se3

SCALE = 0.12


def solved(surface, level, scale=SCALE, steps=20):
    still = torch.eye(4, dtype=torch.float64).repeat(len(surface.points), 1, 1)
    options = SolverOptions(scale, max_iterations=steps, small_px=1e-3)
    return solve(surface, level, still, neutral_exposure(len(still)), options)


def noisy(colour, seed, strength=8.0, size_px=0.0):
    """Return a render [3, H, W] as a photograph with noise of a strength in grey levels."""
    noise = np.random.default_rng(seed).normal(size=(*colour.shape[1:], 3))
    if size_px:
        noise = cv2.GaussianBlur(noise, (0, 0), size_px)
    image = 255 * colour.permute(1, 2, 0) + torch.from_numpy(strength * noise / noise.std())
    image = image.round().clamp(0, 255).to(torch.uint8).contiguous()
    return ImageLevel(0, image.numpy(), CAMERA)


def view_of(mesh: TexturedMesh, pose, points=2400):
    """Return points of a render of a mesh, and the render [3, H, W]."""
    scene = Scene(mesh, device='cpu')
    render = scene.render(torch.from_numpy(pose), CAMERA)
    level = render_pyramid(render.colour, render.depth, CAMERA, 1)[0]
    return select_points(level, points).on_host(), level.colour[0]


def covariance(surface: SurfacePoints, level, misplaced=0.0, metres=math.inf, hidden=math.inf):
    """Return the covariance [6, 6] where the image is aligned; parameters as of `MapError`."""
    solution = solved(surface, level)
    blocks, error = judged(surface, level, solution), MapError(misplaced, metres, hidden)
    found = pose_covariance(blocks, level, solution, error)[0].numpy()
    np.testing.assert_array_equal(found, found.T)
    assert np.linalg.eigvalsh(found).min() > 0
    return found


def judged(surface, level, solution):
    return BlockSums.of(block_figures(surface, level, solution), solution.system)


def parts(surface: SurfacePoints, count):
    """Yield the points of each run of blocks; a run goes on at the first block after the last."""
    blocks = surface.weights.shape[1] // surface.block_size
    for first in range(blocks):
        seen = (np.arange(blocks) - first) % blocks < count
        weights = surface.weights * seen.repeat(surface.block_size)
        yield dataclasses.replace(surface, weights=weights)


def size(covariance):
    """Return the geometric mean of the six deviations."""
    return np.exp(np.linalg.slogdet(covariance)[1] / 12)


@pytest.fixture(scope='module')
def corner():
    return view_of(small_room_mesh(), pose_at(0))


def test_the_compiled_sums_equal_the_reference():
    surface, level, live_T_keyframe, exposure, scale = random_problem()
    solution = dataclasses.replace(
        solved(surface, level, scale, steps=0), live_T_keyframe=live_T_keyframe, exposure=exposure
    )
    compiled = block_figures(surface, level, solution)
    reference = oracle.block_sums(surface, level, solution)
    assert compiled.shape == reference.shape == (3, 7, FIGURES)
    scale = np.abs(reference).max(axis=(0, 1))
    assert (np.abs(compiled - reference) <= 1e-4 * scale).all()


@pytest.mark.parametrize('sums', [block_figures, oracle.block_sums])
def test_the_blocks_gradients_add_up_to_that_of_the_normal_equations(sums):
    surface, level, live_T_keyframe, exposure, scale = random_problem(seed=4)
    options = SolverOptions(scale, max_iterations=0, small_px=0.0)
    solution = solve(surface, level, live_T_keyframe, exposure, options)
    total = sums(surface, level, solution)[..., :UNKNOWNS].sum(1)
    gradient = solution.system.gradient
    np.testing.assert_allclose(total, gradient, atol=1e-4 * np.abs(gradient).max())


@pytest.mark.parametrize('sums', [block_figures, oracle.block_sums])
def test_the_curvature_is_how_the_gradient_changes(corner, sums):
    """Along the image: the gradient of each block at a moved image, against what is summed up."""
    surface, colour = corner
    level = noisy(colour, seed=1, strength=12.0)
    solution = solved(surface, level)

    def gradients(twist):
        moved = se3.exp(torch.tensor(twist, dtype=torch.float64))[None] @ solution.live_T_keyframe
        at = dataclasses.replace(solution, live_T_keyframe=moved)
        return sums(surface, level, at)[0]

    step = 2e-5
    # Turned about y, the image moves along u, by about the focal length.
    change = gradients([0, 0, 0, 0, step, 0]) - gradients([0, 0, 0, 0, -step, 0])
    change = change[:, 4].sum() / (2 * step)
    blocks = gradients([0.0] * 6)
    along_u = CAMERA.fx * (1 + (blocks[:, PLACE + 1] / blocks[:, PLACE].clip(min=1e-9)) ** 2)
    assert change == pytest.approx((blocks[:, CURVATURE] * along_u**2).sum(), rel=0.05)
    # That is less than in the normal equations.
    assert change < 0.9 * (blocks[:, RENDER] * along_u**2).sum()


def test_it_grows_with_the_noise(corner):
    surface, colour = corner
    sizes = [size(covariance(surface, noisy(colour, 2, strength))) for strength in (3, 6, 12)]
    assert sizes[1] == pytest.approx(2 * sizes[0], rel=0.25)
    assert sizes[2] == pytest.approx(2 * sizes[1], rel=0.25)


def test_noise_of_the_same_strength_that_is_textured_makes_it_larger():
    # Points as dense as this lie within the same grain.
    surface, colour = view_of(small_room_mesh(), pose_at(0), points=9600)

    def mean_size(size_px):
        return np.mean([size(covariance(surface, noisy(colour, s, 8, size_px))) for s in range(4)])

    assert mean_size(3.0) > 1.25 * mean_size(0.0)


def test_a_scene_ten_times_as_far_leaves_translation_ten_times_as_uncertain():
    near, mesh = pose_at(0), small_room_mesh()
    far = near.copy()
    far[:3, 3] *= 10
    deviations = []
    for pose, vertices in ((near, mesh.vertices), (far, 10 * mesh.vertices)):
        surface, colour = view_of(dataclasses.replace(mesh, vertices=vertices), pose)
        deviations.append(np.sqrt(np.diag(covariance(surface, noisy(colour, seed=3)))))
    np.testing.assert_allclose(deviations[1][:3] / deviations[0][:3], 10, rtol=0.1)
    np.testing.assert_allclose(deviations[1][3:] / deviations[0][3:], 1, rtol=0.1)


def test_on_a_single_plane_moving_along_is_hard_to_tell_from_turning(corner):
    mesh = small_room_mesh()
    wall = dataclasses.replace(mesh, faces=mesh.faces[2:4], face_materials=mesh.face_materials[2:4])
    pose = np.eye(4)
    pose[:3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    pose[:3, 3] = (0, 0.0, 1.4)
    surface, colour = view_of(wall, pose)
    plane = covariance(surface, noisy(colour, seed=4))
    room = covariance(corner[0], noisy(corner[1], seed=4))

    def correlation(of):
        deviations = np.sqrt(np.diag(of))
        return of / np.outer(deviations, deviations)

    for move, turn in ((0, 4), (1, 3)):
        assert abs(correlation(plane)[move, turn]) > 0.97
        assert plane[move, move] / plane[2, 2] > 3 * room[move, move] / room[2, 2]


def test_the_less_is_seen_the_larger_it_is(corner):
    surface, colour = corner
    image = noisy(colour, seed=5)
    u = surface.points[..., 0] / surface.points[..., 2] * CAMERA.fx + CAMERA.cx
    sizes = []
    for share in (1.0, 0.5, 0.25):
        part = dataclasses.replace(surface, weights=surface.weights * (u < share * CAMERA.width))
        sizes.append(size(covariance(part, image)))
    assert sizes[1] > 1.3 * sizes[0]
    assert sizes[2] > 1.3 * sizes[1]


@pytest.mark.parametrize('count', [1, 2, 3])
def test_a_few_blocks_tell_less_than_the_whole_image_whichever_they_are(corner, count):
    surface, colour = corner
    image = noisy(colour, seed=6)
    full = size(covariance(surface, image))
    assert min(size(covariance(part, image)) for part in parts(surface, count)) > 2 * full


@pytest.mark.parametrize('count', [1, 2, 3, 5, 8, 15])
def test_errors_are_as_large_as_it_says_however_few_blocks_are_seen(corner, count):
    surface, colour = corner
    normalised = []
    for size_px in (0.0, 1.5, 3.0):
        image = noisy(colour, seed=8, strength=6.0, size_px=size_px)
        for part in parts(surface, count):
            solution = solved(part, image, steps=40)
            blocks = judged(part, image, solution)
            found = pose_covariance(blocks, image, solution, MapError(0.0))[0].numpy()
            # The view was rendered where the image was taken.
            error = log(solution.live_T_keyframe[0].numpy())
            normalised.append(error @ np.linalg.solve(found, error))
    # Of a normal distribution, 5.3 and 95 %. That of Student's t has longer tails.
    assert 2.5 < np.median(normalised) < 6.0
    assert np.mean(np.array(normalised) < 12.6) > 0.88


def test_if_nothing_is_seen_the_pose_is_open(corner):
    surface, colour = corner
    nothing = dataclasses.replace(surface, weights=np.zeros_like(surface.weights))
    assert np.diag(covariance(nothing, noisy(colour, seed=6))).min() >= 1e4


def test_an_image_without_contrast_leaves_the_pose_open(corner):
    surface, _ = corner
    flat = dataclasses.replace(surface, gradients=np.zeros_like(surface.gradients))
    grey = ImageLevel(0, np.full((240, 320, 3), 128, dtype=np.uint8), CAMERA)
    found = covariance(flat, grey)
    assert np.diag(found).min() >= 1e4


def test_a_mesh_that_is_out_of_place_adds_what_no_image_tells(corner):
    surface, colour = corner
    image = noisy(colour, seed=7)
    exact, off, twice = (covariance(surface, image, misplaced=m) for m in (0.0, 1e-3, 2e-3))
    np.testing.assert_allclose(twice - exact, 4 * (off - exact), rtol=1e-6, atol=1e-12)
    assert np.linalg.eigvalsh(off - exact).min() > 0
    # Areas of a quarter of the image's width that are out of place by a thousandth of their
    # distance, each on its own: all together, the image turns by less.
    assert 1e-4 < np.sqrt(np.linalg.eigvalsh(off - exact)[0]) < 1e-3


def displaced_cells(colour, sigma_px, seed):
    """Return a render as a photograph with noise, its cells displaced, each on its own."""
    side = round(CELL * CAMERA.fx)
    cells = (-(-CAMERA.height // side), -(-CAMERA.width // side), 2)
    shift = np.random.default_rng(seed).normal(0.0, sigma_px, cells).astype(np.float32)
    shift = shift.repeat(side, 0).repeat(side, 1)[: CAMERA.height, : CAMERA.width]
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width].astype(np.float32)
    image = colour.permute(1, 2, 0).numpy()
    image = cv2.remap(image, u + shift[..., 0], v + shift[..., 1], cv2.INTER_CUBIC)
    return noisy(torch.from_numpy(image).permute(2, 0, 1), seed, strength=3.0)


# Blocks of points lie across the cells' borders, which averages: about half is seen.
@pytest.mark.parametrize(
    ('sigma_px', 'least', 'most'), [(0, 0, 0.03), (0.1, 0.03, 0.1), (0.3, 0.09, 0.3)]
)
def test_displacements_of_cells_are_seen_in_the_image(corner, sigma_px, least, most):
    surface, colour = corner
    found = []
    for seed in range(5):
        image = displaced_cells(colour, sigma_px, seed)
        blocks = judged(surface, image, solved(surface, image))
        cells, count = squares(blocks.figures[0], image.live, CELL * CAMERA.fx)
        seen, degrees = seen_displacement(
            blocks.figures[0], image.live, blocks.variance[0], cells, count
        )
        assert degrees > 50
        found.append(seen * CAMERA.fx)
    print('pixels:', found)
    assert least <= np.median(found) <= most


def test_a_mesh_that_fits_the_image_is_trusted_more(corner):
    surface, colour = corner
    good, bad = (displaced_cells(colour, sigma_px, seed=3) for sigma_px in (0.0, 0.6))
    assumed, fits, bent = (
        covariance(surface, image, misplaced=2e-3, hidden=hidden)
        for image, hidden in ((good, math.inf), (good, 10.0), (bad, 10.0))
    )
    # The prior is left of it, and what noise does.
    assert size(fits) < 0.5 * size(assumed)
    np.testing.assert_array_equal(bent, covariance(surface, bad, misplaced=2e-3))


def test_few_cells_do_not_tell_how_good_a_mesh_is(corner):
    surface, colour = corner
    image = noisy(colour, seed=7)
    few = next(parts(surface, 3))
    assumed, told = (covariance(few, image, misplaced=2e-3, hidden=h) for h in (math.inf, 0.0))
    np.testing.assert_allclose(told, assumed)


def test_a_mesh_is_out_of_place_by_so_many_metres_at_most(corner):
    surface, colour = corner
    image = noisy(colour, seed=7)
    nearest = float(surface.points[..., 2].min())
    far, same, near = (
        covariance(surface, image, misplaced=1e-3, metres=m)
        for m in (math.inf, 1.0, 1e-4 * nearest)
    )
    np.testing.assert_array_equal(same, far)
    # Less than a tenth of the displacement everywhere.
    exact = covariance(surface, image)
    assert (np.diag(near - exact) < 0.011 * np.diag(far - exact)).all()
