"""Pixels without information, and the noise of images."""

import cv2
import numpy as np
import pytest
from support.small_room import SmallRoom, photographed, pose_at

from mesh_reloc_ros.align._image_quality import noise_deviation, usable_pixels

# Pixels beside a border that are left out with it.
MARGIN = 5


@pytest.fixture(scope='module')
def photograph(room: SmallRoom) -> np.ndarray:
    return photographed(room.view(pose_at(5)), 5)


def in_a_frame(image: np.ndarray, left: int, top: int) -> np.ndarray:
    framed = np.zeros_like(image)
    framed[top:-top, left:-left] = image[top:-top, left:-left]
    return framed


def compressed(image: np.ndarray) -> np.ndarray:
    encoded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)


@pytest.mark.parametrize('process', [np.array, compressed], ids=['raw', 'jpeg'])
def test_a_black_border_is_not_usable_and_all_else_is(photograph, process):
    usable = usable_pixels(process(in_a_frame(photograph, 60, 30)))
    assert not usable[:30].any()
    assert not usable[:, -60:].any()
    inside = usable[30 + MARGIN : -30 - MARGIN, 60 + MARGIN : -60 - MARGIN]
    assert (inside == 255).mean() > 0.99


def test_a_circle_in_black_is_usable(photograph):
    height, width = photograph.shape[:2]
    circle = cv2.circle(np.zeros((height, width), np.uint8), (width // 2, height // 2), 100, 1, -1)
    usable = usable_pixels(photograph * circle[..., None])
    assert not usable[circle == 0].any()
    smaller = cv2.erode(circle, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1)))
    assert (usable[smaller > 0] == 255).mean() > 0.99


def test_an_image_without_a_border_is_usable_everywhere(photograph):
    assert usable_pixels(photograph) is None
    dark = photograph.copy()
    dark[100:140, 100:140] = 0
    assert usable_pixels(dark) is None


def test_what_is_black_inside_of_a_border_is_usable(photograph):
    dark = in_a_frame(photograph, 60, 30)
    dark[100:140, 150:190] = 0
    assert (usable_pixels(dark)[100:140, 150:190] == 255).all()


@pytest.mark.parametrize('sigma', [5, 15, 30])
def test_the_noise_is_told(photograph, sigma: float):
    noise = np.random.default_rng(3).normal(scale=sigma, size=photograph.shape)
    clean = 0.5 * cv2.GaussianBlur(photograph, None, 2.0) + 64
    noisy = (clean + noise).round().clip(0, 255).astype(np.uint8)
    assert 255 * noise_deviation(noisy) == pytest.approx(sigma, rel=0.15)


def test_an_image_without_noise_has_none():
    ramp = np.tile(np.arange(200, dtype=np.uint8), (100, 1))
    assert noise_deviation(np.stack([ramp] * 3, axis=-1)) == 0
    assert noise_deviation(np.zeros((2, 2, 3), np.uint8)) == 0
