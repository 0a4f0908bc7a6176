"""Where the surface is looked at from: all of it, whichever way faces are turned."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.small_room import small_room_mesh, turned, twice

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.relocalize._surface_views import VIEW_CAMERA, surface_views
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

LIMIT = 3000
# A texel is two pixels wide as seen from here, in texels.
NATIVE = 2.0 * VIEW_CAMERA.fx


def scene_of(mesh: TexturedMesh) -> Scene:
    return Scene(mesh, 'cpu')


@pytest.fixture(scope='module')
def views() -> np.ndarray:
    return surface_views(scene_of(small_room_mesh()), LIMIT)


def nearest_view(
    scene: Scene, views: np.ndarray, points: np.ndarray, normals: np.ndarray
) -> np.ndarray:
    """Return how far [N] points [N, 3] are from the nearest view that shows their front, metres."""
    camera = VIEW_CAMERA.resized(120, 90)
    nearest = np.full(len(points), np.inf)
    depths = scene.rasterizer.rasterize(torch.from_numpy(views), camera).depth.numpy()
    for pose, depth in zip(views, depths, strict=True):
        shown = ((pose[:3, 3] - points) * normals).sum(1) > 0
        shown &= is_shown(points, pose, depth, camera)
        way = np.linalg.norm(points - pose[:3, 3], axis=1)
        nearest[shown] = np.minimum(nearest[shown], way[shown])
    return nearest


def is_shown(points: np.ndarray, pose: np.ndarray, depth: np.ndarray, camera: Camera) -> np.ndarray:
    """Return whether a view with depths [H, W] shows points [N, 3]."""
    x, y, z = ((points - pose[:3, 3]) @ pose[:3, :3]).T
    column = np.round(camera.fx * x / z + camera.cx).clip(-1, camera.width).astype(int)
    row = np.round(camera.fy * y / z + camera.cy).clip(-1, camera.height).astype(int)
    shown = (z > 0) & (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
    shown[shown] = np.abs(depth[row[shown], column[shown]] - z[shown]) < 0.05 * z[shown]
    return shown


def test_all_of_the_surface_is_seen_from_about_where_its_texels_are_as_large_as_pixels(views):
    scene = scene_of(small_room_mesh())
    points, normals = on_surface(scene, 60)
    native = np.repeat(NATIVE * scene.texel_sizes.numpy(), 60)
    assert (nearest_view(scene, views, points, normals) < 1.5 * native).all()


def test_most_of_the_surface_is_seen_from_all_sides_also_at_a_steep_angle(views):
    scene = scene_of(small_room_mesh())
    points, normals = on_surface(scene, 20)
    aside = np.cross(normals, np.random.default_rng(2).normal(size=normals.shape))
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    steep = np.radians(60)
    angles = nearest_direction(
        scene, views, points, np.cos(steep) * normals + np.sin(steep) * aside
    )
    # Other things are in the way of the rest.
    assert (angles < 25).mean() > 0.65


def on_surface(scene: Scene, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random points [N, 3], so many of each face, and their normals."""
    mesh = scene.mesh
    weights = np.random.default_rng(1).dirichlet((1, 1, 1), (len(mesh.faces), count))
    points = (weights @ mesh.vertices[mesh.faces].astype(np.float64)).reshape(-1, 3)
    return points, np.repeat(scene.face_normals.numpy(), count, axis=0).astype(np.float64)


def nearest_direction(
    scene: Scene, views: np.ndarray, points: np.ndarray, away: np.ndarray
) -> np.ndarray:
    """Return the angles [N], deg, of directions [N, 3] to the nearest ones that show points."""
    camera = VIEW_CAMERA.resized(120, 90)
    least = np.full(len(points), 180.0)
    depths = scene.rasterizer.rasterize(torch.from_numpy(views), camera).depth.numpy()
    for pose, depth in zip(views, depths, strict=True):
        shown = is_shown(points, pose, depth, camera)
        toward = pose[:3, 3] - points
        cosine = (toward * away).sum(1) / np.linalg.norm(toward, axis=1)
        angle = np.degrees(np.arccos(cosine.clip(-1, 1)))
        least = np.where(shown, np.minimum(least, angle), least)
    return least


def test_they_are_poses_that_see_the_mesh_and_are_not_inside_of_things(views):
    rotations = views[:, :3, :3]
    assert rotations @ rotations.transpose(0, 2, 1) == pytest.approx(
        np.tile(np.eye(3), (len(views), 1, 1)), abs=1e-9
    )
    assert np.linalg.det(rotations) == pytest.approx(1)
    camera = VIEW_CAMERA.resized(40, 30)
    scene = scene_of(small_room_mesh())
    depth = scene.rasterizer.rasterize(torch.from_numpy(views), camera).depth.numpy()
    assert ((depth > 0).mean(axis=(1, 2)) > 0.03).all()
    # None right before a surface: half of the least distance stays free.
    assert all(d[d > 0].min() > 0.2 for d in depth)


@pytest.mark.parametrize('every', [2, 5])
def test_where_faces_disagree_on_their_front_both_sides_are_seen(views, every: int):
    both = surface_views(scene_of(turned(small_room_mesh(), every)), LIMIT)
    assert from_outside(both) > 2 * from_outside(views)


def from_outside(views: np.ndarray) -> int:
    """Return how many views are from outside the room's box."""
    vertices, places = small_room_mesh().vertices, views[:, :3, 3]
    outside = (places < vertices.min(0) - 0.01) | (places > vertices.max(0) + 0.01)
    return int(outside.any(1).sum())


def fine_room() -> TexturedMesh:
    """Return the room with twice as many texels along each side."""
    mesh = small_room_mesh()
    return replace(mesh, textures=[t.repeat(2, axis=0).repeat(2, axis=1) for t in mesh.textures])


def test_a_second_room_doubles_the_views_and_leaves_those_of_the_first_as_they_were():
    alone = surface_views(scene_of(fine_room()), LIMIT)
    both = surface_views(scene_of(twice(fine_room(), 100.0)), LIMIT)
    first, second = both[both[:, 0, 3] < 50], both[both[:, 0, 3] >= 50]
    assert len(first) == pytest.approx(len(alone), rel=0.03)
    found = [np.abs(first - pose).max(axis=(1, 2)).min() < 0.01 for pose in alone]
    assert np.mean(found) > 0.95
    # The second is divided into other patches.
    assert len(second) == pytest.approx(len(alone), rel=0.2)


@pytest.mark.parametrize('limit', [10, 25, 40])
def test_there_are_no_more_than_asked_for_and_all_distances_among_them(views, limit: int):
    some = surface_views(scene_of(small_room_mesh()), limit)
    assert 0.5 * limit < len(some) <= limit
    assert limit < len(views)
    if limit >= 25:
        # From afar all of the room is in view, near by one surface.
        height = np.linalg.norm(some[:, :3, 3] - (0, 0, 1.5), axis=1)
        assert height.min() < 4 < height.max()
