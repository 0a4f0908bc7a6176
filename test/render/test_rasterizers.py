"""All rasterizers see the same, where the pinhole camera says, and can be differentiated."""

import numpy as np
import pytest
import torch
from support.meshes import CAMERAS, clutter, frontal_quad, joined, noise, poses, quad

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.render import _cpu_rasterizer
from mesh_reloc_ros.render._cpu_rasterizer import CpuRasterizer
from mesh_reloc_ros.render._embree_rasterizer import EmbreeRasterizer
from mesh_reloc_ros.render._on_device import choose_device
from mesh_reloc_ros.render._pytorch3d_rasterizer import PyTorch3DRasterizer
from mesh_reloc_ros.render._shading import Shader
from mesh_reloc_ros.render._zbuffer_rasterizer import ZBufferRasterizer
from mesh_reloc_ros.render.rasterizer import make_rasterizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera

CPU = torch.device('cpu')
BACKENDS = ('zbuffer', 'embree', 'pytorch3d')
SMALL = Camera(width=40, height=24, fx=38.0, fy=36.0, cx=17.2, cy=13.1)


def projected(points, map_T_camera, camera):
    """Return the pixels [N, 2] of map points [N, 3] by K, written out."""
    k = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    pose = map_T_camera.numpy()
    homogeneous = (points - pose[:3, 3]) @ pose[:3, :3] @ k.T
    return homogeneous[:, :2] / homogeneous[:, 2:]


def surface_points(fragments, view, mesh):
    """Return row and column [N] of the pixels that see mesh, and the map points [N, 3] seen."""
    row, column = (fragments.face[view] >= 0).nonzero(as_tuple=True)
    corners = mesh.vertices[mesh.faces[fragments.face[view, row, column].numpy()]]
    weights = fragments.barycentric[view, row, column].numpy()
    return row.numpy(), column.numpy(), (weights[..., None] * corners).sum(1)


@pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)
@pytest.mark.parametrize('backend', ['zbuffer', 'pytorch3d'])
def test_other_backends_see_the_same_faces_at_the_same_depth_as_rays(backend, camera):
    views, mesh = poses(3, seed=1), clutter()
    rays = make_rasterizer('embree', mesh, CPU).rasterize(views, camera)
    other = make_rasterizer(backend, mesh, CPU).rasterize(views, camera)
    both = (rays.face >= 0) & (other.face >= 0)
    assert both.float().mean() > 0.6
    same = rays.face == other.face
    assert same[both].float().mean() >= 0.995
    relative = (rays.depth - other.depth).abs() / rays.depth.clamp(min=1e-9)
    assert relative[both & same].max() < 1e-3
    assert ((rays.face >= 0) == (other.face >= 0)).float().mean() > 0.999
    barycentric = (rays.barycentric - other.barycentric).abs()
    assert barycentric[both & same].max() < 5e-3


@pytest.mark.parametrize(('width', 'height'), [(80, 48), (83, 51)])
def test_what_is_in_view_serves_renders_of_several_sizes(width, height):
    """Also where the coarser image is smaller by a border, which the finer one shows."""
    camera = Camera(width=width, height=height, fx=120.0, fy=120.0, cx=39.0, cy=25.0)
    rasterizer, views = PyTorch3DRasterizer(clutter(), CPU), poses(3, seed=5)
    in_view = rasterizer.in_view(views, camera.at_level(2))
    for level in (2, 0):
        size = camera.at_level(level)
        shared = rasterizer.rasterize(views, size, in_view=in_view)
        assert torch.equal(shared.face, rasterizer.rasterize(views, size).face)
        assert (shared.face >= 0).any((1, 2)).all()
        for face, listed in zip(shared.face, in_view.faces, strict=True):
            assert set(face[face >= 0].tolist()) <= set(listed.tolist())
    count = len(clutter().faces)
    listed = (in_view.faces < count).sum(1)
    assert listed.max() < 0.7 * count
    assert listed.min() < listed.max()
    assert (in_view.faces.diff(dim=1) >= 0).all()


@pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)
@pytest.mark.parametrize('backend', BACKENDS)
def test_a_pixel_sees_the_points_that_project_to_its_centre(backend, camera):
    mesh, views = clutter(), poses(2, seed=2)
    fragments = make_rasterizer(backend, mesh, CPU).rasterize(views, camera)
    for view in range(len(views)):
        row, column, points = surface_points(fragments, view, mesh)
        pixels = projected(points, views[view], camera)
        assert len(pixels) > 0.6 * camera.width * camera.height
        assert np.abs(pixels - np.stack((column, row), axis=1)).max() < 0.05
        inverse = torch.linalg.inv(views[view]).numpy()
        z = points @ inverse[2, :3] + inverse[2, 3]
        np.testing.assert_allclose(fragments.depth[view, row, column], z, rtol=1e-4)


@pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)
@pytest.mark.parametrize('backend', BACKENDS)
def test_a_spot_on_the_texture_appears_where_it_projects(backend, camera):
    """Found in the colours by its centroid, so that textures are in the right place, too."""
    size, texels, depth = 1.6, 256, 2.0
    spots = ((61.3, 100.0), (130.0, 160.5), (180.7, 70.2))
    y, x = np.mgrid[:texels, :texels]
    for s, t in spots:
        bump = 255 * np.exp(-((x - s) ** 2 + (y - t) ** 2) / (2 * 3.0**2))
        texture = np.repeat(bump.round().astype(np.uint8)[..., None], 3, axis=2)
        scene = Scene(frontal_quad(texture, depth, size, size), 'cpu', backend)
        # A turn about the optical axis and a shift leave the spot round.
        roll = se3.exp(torch.tensor([0.05, -0.03, 0.1, 0, 0, 0.3], dtype=torch.float64))
        image = scene.render(roll, camera).colour[0, ..., 1].double().numpy()
        image = np.where(image > 0.02, image, 0)
        v, u = np.mgrid[: camera.height, : camera.width]
        found = np.array([(image * u).sum(), (image * v).sum()]) / image.sum()
        point = np.array([((s + 0.5) / texels - 0.5) * size, ((t + 0.5) / texels - 0.5) * size, 0])
        expected = projected(point[None] + [0, 0, depth], roll, camera)[0]
        np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize('backend', BACKENDS)
def test_faces_are_seen_from_both_sides(backend):
    front = frontal_quad(noise(8, 8, 1), depth=2.0, width=9.0, height=9.0)
    back = quad(front.vertices[::-1], noise(8, 8, 1))
    for mesh in (front, back):
        fragments = make_rasterizer(backend, mesh, CPU).rasterize(torch.eye(4)[None], SMALL)
        assert (fragments.face >= 0).all()
        assert torch.allclose(fragments.depth, torch.full_like(fragments.depth, 2.0), rtol=1e-4)


@pytest.mark.parametrize('backend', BACKENDS)
def test_the_nearest_face_hides_the_others(backend):
    near, far = (frontal_quad(noise(8, 8, 1), z, 9.0, 9.0) for z in (2.0, 3.0))
    for mesh, faces in ((joined(near, far), (0, 1)), (joined(far, near), (2, 3))):
        fragments = make_rasterizer(backend, mesh, CPU).rasterize(torch.eye(4)[None], SMALL)
        assert set(fragments.face.unique().tolist()) <= set(faces)


@pytest.mark.parametrize('height', [1.0, 0.05])
@pytest.mark.parametrize('backend', BACKENDS)
def test_a_floor_that_runs_on_behind_the_camera_is_seen_as_far_as_it_goes(backend, height):
    """Its two faces cross the near plane, and one corner lies right beside the camera."""
    corners = ((-3.0, height, -4.0), (3.0, height, 0.0), (3.0, height, 8.0), (-3.0, height, 5.0))
    mesh = quad(corners, noise(8, 8, 1))
    fragments = make_rasterizer(backend, mesh, CPU).rasterize(torch.eye(4)[None], SMALL)
    rays = SMALL.rays()
    z = torch.where(rays[..., 1] > 1e-6, height / rays[..., 1].clamp(min=1e-6), torch.inf)
    x = rays[..., 0] * z
    # The convex outline, edge by edge, less a margin for its rim.
    inside = torch.isfinite(z)
    outside = ~inside
    for (x0, _, z0), (x1, _, z1) in zip(corners, (*corners[1:], corners[0]), strict=True):
        length = float(np.hypot(x1 - x0, z1 - z0))
        left = ((x1 - x0) * (z - z0) - (z1 - z0) * (x - x0)) / length
        inside &= left > 0.05
        outside |= left < -0.05
    assert inside.float().mean() > 0.15
    assert (fragments.face[0][inside] >= 0).all()
    assert (fragments.face[0][outside] < 0).all()
    assert torch.allclose(fragments.depth[0][inside], z[inside], rtol=1e-3)


@pytest.mark.parametrize('backend', BACKENDS)
def test_what_is_behind_the_camera_is_not_seen(backend):
    turned = se3.exp(torch.tensor([0, 0, 0, 0, np.pi, 0], dtype=torch.float64))
    mesh = frontal_quad(noise(8, 8, 1), depth=2.0, width=50.0, height=50.0)
    render = Scene(mesh, 'cpu', backend).render(turned, SMALL)
    assert not render.mask.any()
    assert not render.colour.any()
    assert not render.depth.any()
    assert (render.face == -1).all()


@pytest.mark.parametrize('backend', BACKENDS)
def test_a_batch_is_what_its_views_are_one_by_one(backend):
    scene, views = Scene(clutter(), 'cpu', backend), poses(3, seed=4)
    together = scene.render(views, SMALL)
    assert together.colour.shape == (3, 24, 40, 3)
    assert together.depth.shape == together.face.shape == together.mask.shape == (3, 24, 40)
    for view, pose in enumerate(views):
        alone = scene.render(pose, SMALL)
        assert torch.equal(alone.face[0], together.face[view])
        assert torch.equal(alone.depth[0], together.depth[view])
        assert torch.equal(alone.colour[0], together.colour[view])
    assert not torch.equal(together.face[0], together.face[1])


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('shading', ['compiled', 'by tensors'])
def test_chosen_pixels_are_those_of_the_whole_render(backend, shading, monkeypatch):
    """Each view of a batch has pixels of its own, in any order, some twice."""
    if shading == 'by tensors':
        monkeypatch.setattr(Shader, 'shade', Shader.shade_by_tensors)
    scene, views = Scene(clutter(), 'cpu', backend), poses(3, seed=4)
    generator = torch.Generator().manual_seed(7)
    pixels = torch.randint(SMALL.width * SMALL.height, (3, 300), generator=generator)
    whole, some = scene.render(views, SMALL), scene.render(views, SMALL, pixels)
    assert some.colour.shape == (3, 300, 3)
    assert some.depth.shape == some.face.shape == some.mask.shape == (3, 300)
    assert 0 < some.mask.float().mean() < 1
    index = torch.arange(3)[:, None]
    for name in ('face', 'depth', 'mask', 'colour'):
        expected = getattr(whole, name).flatten(1, 2)[index, pixels]
        mine = getattr(some, name)
        assert torch.allclose(mine.double(), expected.double(), rtol=1e-5, atol=1e-6), name
    none = scene.render(views, SMALL, pixels[:, :0])
    assert none.colour.shape == (3, 0, 3)


SURFACES = {
    'wall': ((-1.2, 1.0, 2.4), (1.3, 0.9, 1.9), (1.2, -1.1, 2.2), (-1.3, -0.9, 2.6)),
    'floor, also behind the camera': ((-4, 0.7, -2), (4, 0.7, -3), (4, 0.2, 6), (-4, 0.2, 8)),
}


def ramp_scene(corners, backend):
    """Return a quad whose colours are linear on it: red along one side, green along the other."""
    ramp = np.zeros((32, 32, 3), dtype=np.uint8)
    ramp[..., 0] = 8 * np.arange(32)
    ramp[..., 1] = 8 * np.arange(32)[:, None]
    return Scene(quad(corners, ramp), 'cpu', backend)


@pytest.mark.parametrize('corners', SURFACES.values(), ids=SURFACES)
@pytest.mark.parametrize('quantity', ['depth', 'colour'])
@pytest.mark.parametrize('backend', BACKENDS)
def test_gradients_in_the_pose_agree_with_finite_differences(backend, quantity, corners):
    scene = ramp_scene(corners, backend)
    start = poses(1, seed=5, metres=0.05, radians=0.03)

    def seen(twist):
        render = scene.render(start @ se3.exp(twist)[None], SMALL)
        return getattr(render, quantity)[0], render.face[0]

    twist = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    value, face = seen(twist)
    generator = torch.Generator().manual_seed(6)
    weights = torch.rand(value.shape, generator=generator)
    steps = 1e-3 * torch.eye(6, dtype=torch.float64)
    with torch.no_grad():
        moved = [(seen(step), seen(-step)) for step in steps]
    # Where another face comes into view, or the texture repeats, nothing is differentiable.
    still = torch.stack([(f == face) for pair in moved for _, f in pair]).all(0) & (face >= 0)
    if quantity == 'colour':
        still &= ((value[..., :2] > 0.15) & (value[..., :2] < 0.8)).all(-1)
    assert still.float().mean() > 0.15
    weights = weights * (still if quantity == 'depth' else still[..., None])
    (weights * value).sum().backward()
    differences = torch.stack([(weights * (plus - minus)).sum() for (plus, _), (minus, _) in moved])
    differences = differences.double() / 2e-3
    assert differences.abs().min() > 0.05
    # Where PyTorch3D clips a face, the places on it that it finds are themselves less exact.
    share = 0.05 if backend == 'pytorch3d' and min(z for _, _, z in corners) < 0 else 0.01
    assert torch.allclose(twist.grad, differences, rtol=0.02, atol=share * differences.abs().max())


def test_the_rasterizer_is_chosen_by_name_and_device():
    mesh = frontal_quad(noise(8, 8, 1), 2.0, 1.0, 1.0)
    assert isinstance(make_rasterizer('auto', mesh, CPU), CpuRasterizer)
    assert isinstance(make_rasterizer('zbuffer', mesh, CPU), ZBufferRasterizer)
    assert isinstance(make_rasterizer('embree', mesh, CPU), EmbreeRasterizer)
    assert isinstance(make_rasterizer('pytorch3d', mesh, CPU), PyTorch3DRasterizer)


@pytest.mark.parametrize('count', [3, 400])
def test_few_pixels_and_many_are_seen_alike(count):
    """By rays and from the z-buffer."""
    mesh, views = clutter(), poses(2, seed=3)
    pixels = torch.linspace(0, SMALL.width * SMALL.height - 1, count).long().expand(2, -1)
    found = make_rasterizer('auto', mesh, CPU).rasterize(views, SMALL, pixels)
    whole = make_rasterizer('embree', mesh, CPU).rasterize(views, SMALL, pixels)
    same = found.face == whole.face
    assert same.float().mean() > 0.99
    assert torch.allclose(found.depth[same], whole.depth[same], rtol=1e-3)


def test_both_ways_are_made_when_they_are_used_first(monkeypatch):
    made = []

    def spy(backend):
        def making(mesh, device):
            made.append(backend.name)
            return backend(mesh, device)

        making.name = backend.name
        return making

    for backend in (EmbreeRasterizer, ZBufferRasterizer):
        monkeypatch.setattr(_cpu_rasterizer, backend.__name__, spy(backend))
    rasterizer, views = CpuRasterizer(clutter(), CPU), poses(1, seed=3)
    assert rasterizer.name == 'zbuffer and embree'
    assert made == []
    few = torch.zeros((1, 3), dtype=torch.int64)
    for _ in range(2):
        rasterizer.rasterize(views, SMALL, few)
    assert made == ['embree']
    for _ in range(2):
        rasterizer.rasterize(views, SMALL)
    assert made == ['embree', 'zbuffer']


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert choose_device('auto') == CPU
    with pytest.raises(InputError, match='finds no GPU'):
        choose_device('cuda')
