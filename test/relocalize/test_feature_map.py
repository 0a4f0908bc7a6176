"""Features of rendered views lie on the mesh, where they are seen; features of an image."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.small_room import CAMERA, SmallRoom, clouds, pose_at

from mesh_reloc_ros.relocalize._feature_index import FeatureIndex
from mesh_reloc_ros.relocalize._feature_map import FeatureMap, filled, map_features
from mesh_reloc_ros.relocalize._local_features import LocalFeatures
from mesh_reloc_ros.relocalize._surface_views import VIEW_CAMERA, surface_views
from mesh_reloc_ros.relocalize.features import Features, sift, unit_rays
from mesh_reloc_ros.types.frame import Frame

COUNT = 12


@pytest.fixture(scope='module')
def mapped(room: SmallRoom) -> FeatureMap:
    return map_features(room.scene, surface_views(room.scene, COUNT))


def features_of(room: SmallRoom, pose: NDArray[np.float64]) -> Features:
    """Return the features of a view, also those beside the mesh."""
    render = room.scene.render(torch.from_numpy(pose), VIEW_CAMERA, grey=True)
    grey = (255 * render.colour[0, ..., 0]).round().to(torch.uint8).numpy()
    return sift(filled(grey, render.mask[0].numpy()), 500)


def test_there_are_many_of_each_view(mapped: FeatureMap):
    counts = np.bincount(mapped.views, minlength=len(mapped.map_T_view))
    assert len(mapped.map_T_view) <= COUNT
    assert np.median(counts) > 200
    assert mapped.is_consistent


def test_points_lie_on_the_mesh(mapped: FeatureMap, room: SmallRoom):
    """On the floor, a wall or the box: at the depth that the view has there."""
    points = mapped.points
    inside = (points > np.float32((-2.03, -2.03, -0.03))) & (
        points < np.float32((2.03, 2.03, 3.03))
    )
    assert inside.all()
    x, y, z = np.abs(points).T
    distance = np.min((z, np.abs(y - 2), np.abs(x - 2)), axis=0)
    box = np.min((np.abs(z - 0.8), np.abs(y - 0.6), np.abs(x - 0.4)), axis=0)
    # Within the surface that a pixel shows from afar, at a slant.
    assert (np.quantile(np.minimum(distance, box), (0.9, 0.99)) < (0.01, 0.03)).all()


def test_they_appear_where_the_view_has_them(mapped: FeatureMap, room: SmallRoom):
    for view in (0, len(mapped.map_T_view) // 2):
        pose = mapped.map_T_view[view]
        seen = features_of(room, pose)
        own = np.flatnonzero(mapped.views == view)
        x, y, z = ((mapped.points[own] - pose[:3, 3]) @ pose[:3, :3]).T
        pixels = np.column_stack((x / z, y / z)) * VIEW_CAMERA.fx + (VIEW_CAMERA.cx, VIEW_CAMERA.cy)
        gaps = np.linalg.norm(pixels[:, None] - seen.pixels, axis=-1)
        assert gaps.min(1).max() < 0.01
        sizes = seen.sizes[gaps.argmin(1)] / VIEW_CAMERA.fx
        # As an angle, a size shrinks towards the border.
        assert (mapped.sizes[own] <= sizes * 1.001).all()
        assert (mapped.sizes[own] > 0.7 * sizes).all()


def test_none_lies_at_the_border_of_the_mesh(mapped: FeatureMap, room: SmallRoom):
    for view, pose in enumerate(mapped.map_T_view):
        mask = room.scene.render(torch.from_numpy(pose), VIEW_CAMERA).mask[0].numpy()
        x, y, z = ((mapped.points[mapped.views == view] - pose[:3, 3]) @ pose[:3, :3]).T
        column = np.round(VIEW_CAMERA.fx * x / z + VIEW_CAMERA.cx).astype(int)
        row = np.round(VIEW_CAMERA.fy * y / z + VIEW_CAMERA.cy).astype(int)
        for shift in (-7, 7):
            beside = (column + shift).clip(0, VIEW_CAMERA.width - 1)
            assert mask[row, beside].all()


def test_the_index_has_as_many_and_finds_each(mapped: FeatureMap, room: SmallRoom):
    pose = mapped.map_T_view[0]
    seen = features_of(room, pose)
    squared, numbers = FeatureIndex(mapped.index).nearest(seen.descriptors, 1)
    assert 0 <= numbers.min() <= numbers.max() < len(mapped)
    same = squared[:, 0] == 0
    assert (mapped.views[numbers[same, 0]] == 0).mean() > 0.95
    assert same.sum() >= 0.95 * (mapped.views == 0).sum()


def test_from_a_map_without_views_no_pose_is_proposed(room: SmallRoom):
    nothing = map_features(room.scene, np.zeros((0, 4, 4)))
    assert len(nothing) == 0
    assert nothing.is_consistent
    image = room.view(pose_at(0))
    assert len(sift(image[..., 0], 100)) > 50
    assert LocalFeatures(lambda: nothing).propose(Frame(1, image, CAMERA), 4) == []


def test_sift_turns_and_grows_with_the_image():
    """The angle runs from x to y, and the size is in pixels, as votes assume."""
    grey = clouds(seed=4)[..., 0]
    turned = np.rot90(grey, k=-1)
    before, after = sift(grey, 800), sift(np.ascontiguousarray(turned), 800)
    # A quarter turn clockwise: x to y.
    expected = np.column_stack((511 - before.pixels[:, 1], before.pixels[:, 0]))
    gaps = np.linalg.norm(expected[:, None] - after.pixels, axis=-1)
    pairs = np.flatnonzero(gaps.min(1) < 1.0)
    assert len(pairs) > 0.5 * len(before)
    turn = after.angles[gaps.argmin(1)[pairs]] - before.angles[pairs] - np.pi / 2
    off = np.abs((turn + np.pi) % (2 * np.pi) - np.pi)
    assert np.median(off) < 0.1
    ratio = after.sizes[gaps.argmin(1)[pairs]] / before.sizes[pairs]
    assert np.median(ratio) == pytest.approx(1, abs=0.05)


def test_an_image_without_texture_has_no_features():
    assert len(sift(np.full((60, 80), 90, dtype=np.uint8), 100)) == 0


def test_float_descriptors_of_any_length_keep_their_neighbours():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(200, 64))
    scale = rng.uniform(0.1, 10.0, (200, 1))
    features = Features.of_arrays(rng.uniform(0, 100, (200, 2)), scale * values)
    assert features.descriptors.dtype == np.uint8
    assert len({len(value) for value in vars(features).values()}) == 1
    cosine = values @ values.T / np.outer(*[np.linalg.norm(values, axis=1)] * 2)
    bytes_ = features.descriptors.astype(float)
    squared = ((bytes_[:, None] - bytes_) ** 2).sum(-1)
    np.fill_diagonal(cosine, -2)
    np.fill_diagonal(squared, np.inf)
    assert (cosine.argmax(1) == squared.argmin(1)).mean() > 0.95


def test_rays_have_length_one_and_lead_back_to_their_pixels():
    pixels = np.random.default_rng(2).uniform(0, 300, (50, 2))
    rays = unit_rays(pixels, VIEW_CAMERA)
    assert np.linalg.norm(rays, axis=1) == pytest.approx(1)
    back = rays[:, :2] / rays[:, 2:] * VIEW_CAMERA.fx + (VIEW_CAMERA.cx, VIEW_CAMERA.cy)
    assert back == pytest.approx(pixels)
