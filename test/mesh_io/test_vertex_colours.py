"""Colours of vertices as a texture: faces blend their corners linearly, from near and from far."""

import numpy as np
import pytest
import torch
from support.meshes import CAMERAS, clutter

from mesh_reloc_ros.mesh_io._vertex_colours import baked
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.scene import Scene

CAMERA = CAMERAS['landscape']


def coloured(mesh: TexturedMesh, colours: np.ndarray) -> TexturedMesh:
    """Return the mesh with colours [F, 3, 3] of its corners."""
    corners = mesh.vertices[mesh.faces]
    texture, uvs = baked(colours, corners)
    return TexturedMesh(
        corners.reshape(-1, 3),
        np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3),
        uvs.reshape(-1, 2),
        np.zeros(len(corners), dtype=np.int32),
        [texture],
        is_atlas=False,
    )


@pytest.mark.parametrize('count', [1, 2, 3, 17, 1000])
def test_each_corner_has_its_colour(count):
    rng = np.random.default_rng(count)
    colours = rng.integers(0, 256, (count, 3, 3)).astype(np.uint8)
    texture, uvs = baked(colours, rng.normal(size=(count, 3, 3)).astype(np.float32))
    column = np.floor(uvs[..., 0] * texture.shape[1]).astype(int)
    row = np.floor((1 - uvs[..., 1]) * texture.shape[0]).astype(int)
    np.testing.assert_array_equal(texture[row, column], colours)
    assert texture.shape[0] * texture.shape[1] <= 8 * count


def test_colours_between_corners_are_interpolated():
    """By the position of a vertex, so that neighbours agree: the surface shows one gradient."""
    mesh = clutter()
    # Far inside 0 to 255, so that no texel is clipped.
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    shade = (60 + 130 * (mesh.vertices - low) / (high - low)).astype(np.uint8)
    scene = Scene(coloured(mesh, shade[mesh.faces]), 'cpu')
    render = scene.render(torch.eye(4), CAMERA)
    mask = render.mask[0].numpy()
    rays = CAMERA.rays().reshape(*mask.shape, 3).numpy()
    points = rays * render.depth[0].numpy()[..., None]
    expected = 60 + 130 * (points - low) / (high - low)
    error = np.abs(255 * render.colour[0].numpy() - expected)[mask]
    assert mask.sum() > 5000
    assert np.percentile(error, 99) < 4
    assert error.mean() < 1.5
