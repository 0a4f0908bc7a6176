import pytest
from support.meshes import quad
from support.small_room import CAMERA, clouds, looking

from mesh_reloc_ros.render.scene import Scene

WALL = ((-6, 3, -6), (6, 3, -6), (6, 3, 6), (-6, 3, 6))


def test_the_median_depth_is_that_of_the_view():
    scene = Scene(quad(WALL, clouds(seed=1)), 'cpu')
    towards = looking((0.0, 0.0, 0.0), 90.0, down_deg=0.0)
    assert scene.median_depth(towards, CAMERA) == pytest.approx(3, rel=1e-3)
    away = looking((0.0, 0.0, 0.0), -90.0, down_deg=0.0)
    assert scene.median_depth(away, CAMERA) == 1
