import numpy as np
import pytest
from support.small_room import CAMERA, SmallRoom, perturbed, photographed, pose_at

from mesh_reloc_ros.overlay._exposure import gain_and_offset, matched

POSE = pose_at(0)
GAIN, OFFSET = (0.7, 0.8, 1.1), (12.0, -8.0, 5.0)
WHOLE = np.ones((CAMERA.height, CAMERA.width), bool)


def fitted(render: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    render, image = (pixels.reshape(-1, 3).astype(np.float32)[::13] for pixels in (render, image))
    return gain_and_offset(render, image)


def test_gain_and_offset_are_found_through_noise_and_a_large_occluder(room: SmallRoom):
    render = room.view(POSE)
    image = photographed(render, seed=1, gain=GAIN, offset=OFFSET)
    image[:, 200:] = np.random.default_rng(2).integers(20, 90, image[:, 200:].shape)
    gain, offset = fitted(render, image)
    np.testing.assert_allclose(gain, GAIN, rtol=0.08)
    np.testing.assert_allclose(128 * gain + offset, 128 * np.array(GAIN) + OFFSET, atol=5)


def test_a_pose_that_is_off_does_not_lower_the_gain(room: SmallRoom):
    image = photographed(room.view(POSE), seed=1, gain=GAIN, offset=OFFSET)
    gain, _ = fitted(room.view(perturbed(POSE, seed=4, metres=0.0, degrees=3.0)), image)
    np.testing.assert_allclose(gain, GAIN, rtol=0.15)


def test_clipped_pixels_do_not_count(room: SmallRoom):
    render = room.view(POSE)
    image = photographed(render, seed=1, gain=(1.8,) * 3, offset=(0.0,) * 3)
    assert 0.2 < (image == 255).any(-1).mean() < 0.8
    gain, _ = fitted(render, image)
    np.testing.assert_allclose(gain, 1.8, rtol=0.1)


@pytest.mark.parametrize('value', [0, 128, 255])
def test_an_image_of_one_value_gives_a_render_that_is_finite_and_of_some_contrast(
    room: SmallRoom, value
):
    render = room.view(POSE).astype(np.float32)
    image = np.full(render.shape, value, np.uint8)
    shown = matched(render, image, WHOLE)
    assert np.isfinite(shown).all()
    assert shown.std() > 0.1 * render.std()


def test_without_enough_covered_pixels_the_render_stays_as_it_is(room: SmallRoom):
    colour, image = room.view(POSE).astype(np.float32), room.view(pose_at(40))
    few = np.zeros_like(WHOLE)
    few[:3, :3] = True
    shown = matched(colour, image, few)
    np.testing.assert_allclose(shown[few], colour[few])
    assert not shown[~few].any()
    assert not matched(colour, image, np.zeros_like(WHOLE)).any()
