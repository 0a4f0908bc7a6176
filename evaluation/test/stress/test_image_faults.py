"""Each fault of an image does what it says, the same for the same seed."""

import numpy as np
import pytest
from mesh_reloc_evaluation.stress import image_faults
from support.small_room import clouds

IMAGE = clouds(seed=1)[:240, :320]
POINT = np.zeros((121, 641, 3), dtype=np.uint8)
POINT[60, 320] = 255
GREY = np.full((120, 160, 3), 100, dtype=np.uint8)


def faulty(make, image=IMAGE, seed=0, progress=0.5):
    return make(np.random.default_rng(seed))(image, progress)


@pytest.mark.parametrize(
    'make',
    [
        image_faults.black(),
        image_faults.covered(0.5),
        image_faults.occluder(0.3),
        image_faults.motion_blur(20),
        image_faults.defocus(5),
        image_faults.noise(10),
        image_faults.jpeg(10),
        image_faults.exposure(4.0),
        image_faults.gamma(2.0),
        image_faults.uneven_light(0.1),
    ],
)
def test_a_fault_is_the_same_for_the_same_seed_and_keeps_the_form(make):
    before = IMAGE.copy()
    first, second = faulty(make), faulty(make)
    np.testing.assert_array_equal(first, second)
    assert first.shape == IMAGE.shape
    assert first.dtype == np.uint8
    assert (first != IMAGE).any()
    np.testing.assert_array_equal(IMAGE, before)


@pytest.mark.parametrize(
    'make',
    [
        image_faults.covered(0.5),
        image_faults.occluder(0.3),
        image_faults.motion_blur(20),
        image_faults.noise(10),
        image_faults.uneven_light(0.1),
    ],
)
def test_what_is_random_depends_on_the_seed(make):
    assert any((faulty(make, seed=0) != faulty(make, seed=seed)).any() for seed in range(1, 5))


def test_a_capped_lens_is_black():
    assert not faulty(image_faults.black()).any()


@pytest.mark.parametrize('share', [0.5, 0.75])
@pytest.mark.parametrize('seed', range(6))
def test_a_share_is_covered_from_one_side(share, seed):
    same = (faulty(image_faults.covered(share), seed=seed) == IMAGE).all(-1)
    assert same.mean() == pytest.approx(1 - share, abs=0.02)
    rows, columns = same.all(1).mean(), same.all(0).mean()
    assert max(rows, columns) == pytest.approx(1 - share, abs=0.02)


@pytest.mark.parametrize('share', [0.2, 0.7])
def test_a_textured_thing_crosses_the_image(share):
    effect = image_faults.occluder(share)(np.random.default_rng(2))
    hidden = [(effect(IMAGE, p) != IMAGE).any(-1) for p in (0.0, 0.35, 0.5, 0.65, 1.0)]
    assert hidden[2].mean() == pytest.approx(share, abs=0.02)
    assert hidden[0].mean() < 0.02
    assert hidden[-1].mean() < 0.02
    middles = [np.nonzero(h)[1].mean() for h in hidden[1:4]]
    assert abs(middles[2] - middles[0]) > 0.1 * IMAGE.shape[1]
    thing = effect(np.zeros_like(IMAGE), 0.5)[hidden[2]]
    assert thing.std() > 20


@pytest.mark.parametrize('seed', range(4))
def test_a_moving_point_becomes_a_line(seed):
    rows, columns = np.nonzero(faulty(image_faults.motion_blur(40), POINT, seed)[:, :, 0])
    points = np.column_stack((columns, rows)) - (320, 60)
    along, across = np.sqrt(np.linalg.eigvalsh(np.cov(points.T)))[::-1]
    # An even line of length L has a deviation of L / sqrt(12).
    assert along == pytest.approx(40 / np.sqrt(12), rel=0.1)
    assert across < 1
    np.testing.assert_allclose(points.mean(0), 0, atol=0.6)


def test_a_point_out_of_focus_becomes_a_disc():
    bright = faulty(image_faults.defocus(10), POINT)[:, :, 0] > 0
    assert bright.sum() == pytest.approx(np.pi * 10**2, rel=0.05)
    assert np.nonzero(bright)[0].min() == 50
    assert np.nonzero(bright)[1].max() == 330


def test_blur_grows_with_the_image():
    half = np.zeros((121, 321, 3), dtype=np.uint8)
    half[60, 160] = 255
    bright = faulty(image_faults.defocus(10), half)[:, :, 0] > 0
    assert bright.sum() == pytest.approx(np.pi * 5**2, rel=0.1)


def test_noise_has_its_deviation_and_no_offset():
    noisy = faulty(image_faults.noise(15), GREY).astype(float)
    assert noisy.std() == pytest.approx(15, rel=0.02)
    assert noisy.mean() == pytest.approx(100, abs=0.3)


def test_noise_differs_from_image_to_image():
    effect = image_faults.noise(15)(np.random.default_rng(0))
    assert (effect(GREY, 0.1) != effect(GREY, 0.2)).any()


def test_jpeg_loses_more_at_lower_quality():
    losses = [
        np.abs(faulty(image_faults.jpeg(q)).astype(float) - IMAGE).mean() for q in (95, 10, 4)
    ]
    assert losses[0] < 3
    assert losses[0] < losses[1] < losses[2] < 30


def test_exposure_is_clipped():
    longer = faulty(image_faults.exposure(4.0))
    np.testing.assert_array_equal(longer, np.minimum(4 * IMAGE.astype(int), 255))
    assert faulty(image_faults.exposure(0.25), GREY).max() == 25


def test_gamma_keeps_black_and_white():
    ramp = np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 4, 3))
    curved = faulty(image_faults.gamma(2.0), ramp)[:, 0, 0]
    assert curved[0] == 0
    assert curved[255] == 255
    assert curved[128] == round(255 * (128 / 255) ** 2)


@pytest.mark.parametrize('seed', range(4))
def test_where_the_light_is_gone_it_is_dark(seed):
    dimmed = faulty(image_faults.uneven_light(0.1), GREY, seed)[:, :, 0]
    assert dimmed.max() == 100
    assert dimmed.min() == 10
    corners = [dimmed[y, x] for y in (0, -1) for x in (0, -1)]
    assert max(corners) == 100
    assert min(corners) == 10
