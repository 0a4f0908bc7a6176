"""Textures: orientation, mip levels that keep charts clean, repetition; and shading with them."""

import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from support.meshes import CAMERAS, clutter, frontal_quad, joined, noise, poses, quad

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render._embree_rasterizer import EmbreeRasterizer
from mesh_reloc_ros.render._prepared_mesh import prepare
from mesh_reloc_ros.render._shading import Shader
from mesh_reloc_ros.render._texture import TextureSet
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera

CPU = torch.device('cpu')
# Colours are kept in bytes.
ROUNDING = 1.01 / 255


def texture_set(*textures):
    quads = [frontal_quad(texture, 1.0, 1.0, 1.0) for texture in textures]
    return TextureSet(prepare(joined(*quads)), CPU)


def sampled(textures, uvs, material=0, lod=0.0):
    uvs = torch.as_tensor(np.array(uvs, dtype=np.float32))
    count = len(uvs)
    materials = torch.full((count,), material)
    return textures.sample(uvs, materials, torch.full((count,), float(lod))).numpy()


def block_centres(rows, columns):
    """Return the texture coordinates of an image's pixels, from the top row to the bottom."""
    v, u = np.mgrid[:rows, :columns]
    return np.stack(((u + 0.5) / columns, 1 - (v + 0.5) / rows), axis=-1).reshape(-1, 2)


def test_the_first_row_of_the_image_is_at_the_top_of_v():
    image = np.zeros((2, 2, 3), dtype=np.uint8)
    image[0, 0], image[0, 1], image[1, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    corners = [(0.25, 0.75), (0.75, 0.75), (0.25, 0.25), (0.75, 0.25)]
    np.testing.assert_allclose(
        sampled(texture_set(image), corners), [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    )


@pytest.mark.parametrize('shape', [(64, 64), (32, 96), (48, 16)])
@pytest.mark.parametrize('level', [0, 1, 2, 3, 4])
def test_a_level_holds_the_averages_of_the_texture(shape, level):
    image = noise(*shape, seed=1)
    block = 2**level
    rows, columns = shape[0] // block, shape[1] // block
    expected = image.reshape(rows, block, columns, block, 3).mean((1, 3)) / 255
    # Another texture before it, with more levels, must not matter.
    textures = texture_set(noise(128, 256, seed=2), image)
    found = sampled(textures, block_centres(rows, columns), material=1, lod=level)
    # Each level is rounded once.
    np.testing.assert_allclose(found.reshape(expected.shape), expected, atol=ROUNDING)


def test_between_levels_colours_are_blended():
    textures = texture_set(noise(64, 64, seed=3))
    uvs = np.random.default_rng(4).uniform(0, 1, (50, 2))
    near, far = sampled(textures, uvs, lod=1), sampled(textures, uvs, lod=2)
    blend = sampled(textures, uvs, lod=1.25)
    np.testing.assert_allclose(blend, 0.75 * near + 0.25 * far, atol=1e-6)


@pytest.mark.parametrize('shape', [(37, 53), (1, 1), (1, 9), (63, 2)])
def test_textures_of_any_size_have_levels_down_to_their_mean(shape):
    image = noise(*shape, seed=5)
    colour = sampled(texture_set(image), [(0.3, 0.7)], lod=30)[0]
    # Halving an odd size weighs texels a little differently.
    np.testing.assert_allclose(colour, image.mean((0, 1)) / 255, atol=0.05)


@pytest.mark.parametrize('lod', [0.0, 1.5, 3.0])
def test_textures_repeat_beyond_their_borders(lod):
    textures = texture_set(noise(32, 64, seed=6))
    uvs = np.random.default_rng(7).uniform(0, 1, (100, 2))
    expected = sampled(textures, uvs, lod=lod)
    for shift in ((1, 0), (0, -1), (-3, 2)):
        np.testing.assert_allclose(sampled(textures, uvs + shift, lod=lod), expected, atol=2e-3)


CHARTS = ((4, 4, 28, 40), (36, 8, 60, 20), (34, 30, 62, 61))


def atlas(inset: float) -> TexturedMesh:
    """Return rectangular charts (left, top, right, bottom) of green on a magenta texture.

    Texture coordinates lie `inset` texels inside the green.
    """
    size = 64
    image = np.full((size, size, 3), (255, 0, 255), dtype=np.uint8)
    charts = []
    for left, top, right, bottom in CHARTS:
        image[top:bottom, left:right] = (0, 200, 0)
        u0, u1 = (left + inset) / size, (right - inset) / size
        v0, v1 = 1 - (bottom - inset) / size, 1 - (top + inset) / size
        corners = ((u0, v0), (u1, v0), (u1, v1), (u0, v1))
        charts.append(quad([(u, v, 1) for u, v in corners], image, corners))
    mesh = joined(*charts)
    return replace(mesh, face_materials=np.zeros_like(mesh.face_materials), textures=[image])


@pytest.mark.parametrize('inset', [0.0, 0.3, 0.5])
@pytest.mark.parametrize('lod', [0.0, 0.5, 1.0, 2.0, 3.0, 4.5, 6.0])
def test_the_colour_between_charts_never_shows_in_them(lod, inset):
    """Not at their borders either, nor at levels at which charts are smaller than a texel."""
    textures = TextureSet(prepare(atlas(inset)), CPU)
    rng = np.random.default_rng(8)
    for left, top, right, bottom in CHARTS:
        inside = rng.uniform(size=(200, 2))
        inside[:60] = inside[:60].round()
        x = left + inset + inside[:, 0] * (right - left - 2 * inset)
        y = top + inset + inside[:, 1] * (bottom - top - 2 * inset)
        found = sampled(textures, np.stack((x, 64 - y), axis=1) / 64, lod=lod)
        np.testing.assert_allclose(found, np.tile([0, 200 / 255, 0], (200, 1)), atol=ROUNDING)


def test_a_texture_that_repeats_is_used_as_a_whole():
    image = noise(32, 32, seed=9)
    small = ((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5))
    large = ((0, 0), (2, 0), (2, 2), (0, 2))
    corners = ((0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))
    uvs = block_centres(16, 16)[:40]
    whole = sampled(TextureSet(prepare(quad(corners, image, large)), CPU), uvs, lod=1)
    expected = sampled(texture_set(image), uvs, lod=1)
    np.testing.assert_allclose(whole, expected, atol=1e-6)
    part = sampled(TextureSet(prepare(quad(corners, image, small)), CPU), uvs, lod=1)
    assert np.abs(part - expected).max() > 0.1


def test_progress_goes_from_0_to_1_over_the_textures():
    quads = [frontal_quad(noise(16, 16, seed), 1.0, 1.0, 1.0) for seed in range(4)]
    said: list[tuple[str, float]] = []
    prepare(joined(*quads), lambda *step: said.append(step))
    assert said == [('preparing textures', done) for done in (0.0, 0.25, 0.5, 0.75, 1.0)]


def test_levels_are_written_where_they_stay():
    """No second copy is made of them, and few of their sums as floats."""
    mesh = atlas(0.0)
    mesh = replace(mesh, textures=[mesh.textures[0].repeat(16, axis=0).repeat(16, axis=1)])
    TextureSet(prepare(mesh), CPU)
    tracemalloc.start()
    textures = TextureSet(prepare(mesh), CPU)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = mesh.textures[0].nbytes
    assert textures.texels.numel() == sum(size // 4**level for level in range(11))
    assert kept < 1.4 * size
    assert peak < 4.3 * size


@pytest.mark.parametrize('texels_per_pixel', [1, 2, 4, 8])
def test_a_far_surface_has_the_mean_colour_of_what_each_pixel_covers(texels_per_pixel):
    """A texture of fine noise would alias otherwise."""
    camera = Camera(width=32, height=24, fx=40.0, fy=40.0, cx=15.5, cy=11.5)
    rows, columns = 24 * texels_per_pixel, 32 * texels_per_pixel
    image = noise(rows, columns, seed=10)
    scene = Scene(frontal_quad(image, 2.0, 32 * 2 / 40, 24 * 2 / 40), 'cpu')
    # At a whole number of texels per pixel each pixel covers one block.
    colour = scene.render(torch.eye(4), camera).colour[0].numpy()
    blocks = image.reshape(24, texels_per_pixel, 32, texels_per_pixel, 3).mean((1, 3)) / 255
    np.testing.assert_allclose(colour, blocks, atol=2.5 / 255)


def test_the_level_follows_the_footprint_on_a_slanted_surface():
    """Seen at an angle, a pixel covers more of the surface, in proportion to its area."""
    # Red tells the level: each level of this texture is darker than the one before.
    stripes = np.zeros((256, 256, 3), dtype=np.uint8)
    stripes[::2, ::2] = 255
    camera = Camera(width=16, height=16, fx=64.0, fy=64.0, cx=7.5, cy=7.5)
    corners = np.array(((-1, 1, 0), (1, 1, 0), (1, -1, 0), (-1, -1, 0)))

    def lod_seen(angle, depth):
        turn = se3.so3_exp(torch.tensor([0, angle, 0], dtype=torch.float64)).numpy()
        mesh = quad(corners @ turn.T + [0, 0, depth], stripes)
        poses = torch.eye(4)[None]
        fragments = EmbreeRasterizer(mesh, CPU).rasterize(poses, camera)
        hit = fragments.face[0] >= 0
        face, depth = fragments.face[:, hit], fragments.depth[:, hit]
        rays = camera.rays()[None, hit]
        return Shader(mesh, prepare(mesh), CPU)._lods(face, depth, rays, poses, camera).median()

    # 128 texels a metre, 64 pixels a metre at 1 m: a pixel at 2 m is four texels wide.
    assert float(lod_seen(0.0, 2.0)) == pytest.approx(2.0, abs=0.02)
    assert float(lod_seen(0.0, 4.0)) == pytest.approx(3.0, abs=0.02)
    assert float(lod_seen(np.pi / 3, 2.0)) == pytest.approx(2.5, abs=0.05)


@pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)
def test_the_compiled_pass_shades_as_tensors_do(camera):
    """Near and far, so at many levels, with several materials and repeating textures."""
    corners = ((-4.0, 0.5, -20), (4.0, 0.5, -20), (4.0, 0.5, 40.0), (-4.0, 0.5, 40.0))
    floor = quad(corners, noise(64, 32, 4), ((0, 0), (9.0, 0), (9, 30), (-1.0, 30)))
    mesh = joined(clutter(), floor)
    shader, views = Shader(mesh, prepare(mesh), CPU), poses(4, seed=11)
    views[:, 2, 3] -= torch.tensor([0.0, 1.0, 4.0, 12.0])
    fragments = EmbreeRasterizer(mesh, CPU).rasterize(views, camera)
    compiled = shader.shade(fragments, views, camera)
    tensors = shader.shade_by_tensors(fragments, views, camera)
    assert (fragments.face >= 0).float().mean() > 0.3
    seen = torch.from_numpy(mesh.face_materials)[fragments.face[fragments.face >= 0]]
    assert seen.unique().tolist() == [0, 1, 2, 3]
    assert torch.allclose(compiled, tensors, atol=1e-3)
    assert not compiled[fragments.face < 0].any()


def test_colours_are_rgb_as_pillow_and_opencv_agree(tmp_path):
    """An image written by OpenCV, which has blue first, arrives with red first."""
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((4, 4, 3), (10, 20, 200), dtype=np.uint8))
    (tmp_path / 'a.mtl').write_text('newmtl a\nmap_Kd a.png\n')
    (tmp_path / 'a.obj').write_text(
        'mtllib a.mtl\nv -1 1 1\nv 1 1 1\nv 0 -1 1\nvt 0 0\nvt 1 0\nvt 0 1\n'
        'usemtl a\nf 1/1 2/2 3/3\n'
    )
    camera = Camera(width=3, height=3, fx=9.0, fy=9.0, cx=1.0, cy=1.0)
    colour = Scene.load(tmp_path / 'a.obj', 'cpu').render(torch.eye(4), camera).colour[0, 1, 1]
    np.testing.assert_allclose(colour * 255, [200, 20, 10], atol=0.01)


def test_textures_are_in_memory_once():
    mesh = atlas(0.5)
    before = mesh.textures[0]
    textures = TextureSet(prepare(mesh), CPU)
    assert np.shares_memory(mesh.textures[0], textures.texels.numpy())
    # What faces show is as it was, and a second scene of the mesh is like the first.
    assert (mesh.textures[0] != before).any()
    for left, top, right, bottom in CHARTS:
        assert (mesh.textures[0][top:bottom, left:right] == (0, 200, 0)).all()
    assert TextureSet(prepare(mesh), CPU).texels.equal(textures.texels)


def test_a_scene_of_a_part_leaves_the_textures_of_the_whole():
    mesh = atlas(0.5)
    mesh.textures[0] = noise(64, 64, seed=11)
    image = mesh.textures[0].copy()
    whole = Scene(mesh, 'cpu')
    np.testing.assert_array_equal(mesh.textures[0], image)
    shown = whole.mesh.textures[0].copy()
    part = replace(whole.mesh, faces=mesh.faces[:2], face_materials=mesh.face_materials[:2])
    assert (Scene(part, 'cpu').mesh.textures[0] != shown).any()
    np.testing.assert_array_equal(whole.mesh.textures[0], shown)
