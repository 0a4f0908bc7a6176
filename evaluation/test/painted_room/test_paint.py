"""Parts of the paint that are computed for a part of the canvas only."""

import numpy as np
import pytest
from mesh_reloc_evaluation.painted_room.paint.building import add_knot
from mesh_reloc_evaluation.painted_room.paint.canvas import Canvas, rgb
from mesh_reloc_evaluation.painted_room.room.room import room


def canvas(seed: int = 0) -> Canvas:
    return Canvas(400, 300, 350.0, np.random.default_rng(seed))


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('at', [(0.5, 0.4), (0.001, 0.002), (1.14, 0.85), (1.2, -0.03)])
def test_a_knot_is_the_same_as_on_the_whole_canvas(seed: int, at: tuple[float, float]):
    plain = rgb((0.62, 0.41, 0.24)) * np.ones((300, 400, 3), np.float32)
    image = plain.copy()
    add_knot(image, canvas(seed), *at)
    x, y = canvas().metres()
    radius = canvas(seed).rng.uniform(0.008, 0.02)
    distance = np.hypot((x - at[0]) / 2.2, y - at[1]) / radius
    rings = 0.75 + 0.25 * np.cos(9 * distance)
    opacity = (np.exp(-(distance**2)) * 0.75 * rings)[..., None].astype(np.float32)
    np.testing.assert_array_equal(image, plain * (1 - opacity) + opacity * rgb((0.20, 0.11, 0.06)))
    is_on_it = at[0] < 1.14
    assert (image != plain).any() or not is_on_it


def test_textures_have_the_resolution_that_is_asked_for():
    patch = room()[0]
    usual = patch.material.texels_per_metre
    assert patch.with_texels(1.0) == patch
    assert patch.with_texels(0.5).material.texels_per_metre == 0.5 * usual
    assert patch.with_texels(0.5).width == patch.width
