"""Rasterize with PyTorch3D: on a GPU, or slowly on the CPU.

The axes, normalized device coordinates and half-pixel convention of PyTorch3D stay in this module.

PyTorch3D finds the face at each pixel. What it does per pixel grows with the faces of a bin, and
what it copies and clips on the way needs the host: so it gets the faces in view only, those that
cross the near plane are clipped here, and bins are made as large as the fullest one needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from pytorch3d.renderer.mesh import rasterize_meshes
from torch import Tensor

from mesh_reloc_ros.graphs import decide
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.render.rasterizer import Fragments, InView, Rasterizer, intersect
from mesh_reloc_ros.types import se3
from mesh_reloc_ros.types.camera import Camera

_NEAR_M = 1e-3
# Faces this far out of the image, in pixels, are left out.
_MARGIN_PX = 1.0
# Sides of bins in pixels. PyTorch3D allows less than 22 bins along a side of the image.
_BIN_SIZES, _MOST_BINS = (8, 16, 32, 64, 128, 256, 512), 21
# Room in bins, and for faces that cross the near plane: this factor more than needed, in steps.
_SPARE, _FACES_STEP, _CROSSING_STEP = 1.25, 256, 64
# Of pixel coordinates, here and in PyTorch3D.
_ROUNDING_PX = 0.01
# Views are rasterized at once up to so many faces.
_MOST_FACES = 1 << 24


@dataclass(frozen=True)
class _Triangles:
    """What PyTorch3D rasterizes: T triangles of each of B views, T of each are consecutive.

    It takes them for a `Meshes`.
    """

    screen: Tensor
    """[V', 3], corners: x and y in the NDC of PyTorch3D, z in metres; left out where z < 0."""
    corners: Tensor
    """[B, T, 3], indices of the corners."""

    @property
    def device(self) -> torch.device:
        return self.screen.device

    def verts_packed(self) -> Tensor:
        return self.screen

    def faces_packed(self) -> Tensor:
        return self.corners.flatten(0, 1)

    def mesh_to_faces_packed_first_idx(self) -> Tensor:
        views, triangles, _ = self.corners.shape
        return triangles * torch.arange(views, device=self.device)

    def num_faces_per_mesh(self) -> Tensor:
        views, triangles, _ = self.corners.shape
        return torch.full((views,), triangles, device=self.device)


class PyTorch3DRasterizer(Rasterizer):
    """The mesh on a device, rasterized with one face per pixel."""

    name = 'pytorch3d'

    def __init__(self, mesh: TexturedMesh, device: torch.device) -> None:
        self._device = device
        self._vertices = torch.from_numpy(mesh.vertices).to(device)
        self._faces = torch.from_numpy(mesh.faces).to(device=device, dtype=torch.int64)
        self._most_views = max(_MOST_FACES // max(len(mesh.faces), 1), 1)

    def rasterize(
        self,
        map_T_camera: Tensor,
        camera: Camera,
        pixels: Tensor | None = None,
        in_view: InView | None = None,
    ) -> Fragments:
        """Rasterize from poses [B, 4, 4]; see `Rasterizer`."""
        poses = map_T_camera.to(device=self._device, dtype=torch.float32)
        rays = camera.rays(self._device)
        with torch.no_grad():
            if in_view is not None:
                face = self._nearest(in_view, camera)
            else:
                parts = poses.split(self._most_views)
                face = torch.cat(
                    [self._nearest(self._seen(part, camera), camera) for part in parts]
                )
        if pixels is None:
            rays = rays.expand(len(poses), -1, -1, 3)
        else:
            face, rays = face.flatten(1).gather(1, pixels), rays.flatten(0, 1)[pixels]
        barycentric, depth = intersect(poses, rays, self._vertices[self._faces[face.clamp(min=0)]])
        return Fragments(face, barycentric, torch.where(face >= 0, depth, 0.0))

    def in_view(self, map_T_camera: Tensor, camera: Camera) -> InView | None:
        """Return what is in view; see `Rasterizer`. None for more views than fit into memory."""
        poses = map_T_camera.to(device=self._device, dtype=torch.float32)
        with torch.no_grad():
            return self._seen(poses, camera) if len(poses) <= self._most_views else None

    def _nearest(self, in_view: InView, camera: Camera) -> Tensor:
        """Return the index of the nearest face at each pixel [B, H, W], -1 outside the mesh."""
        triangles, face = self._triangles(in_view, camera)
        index, *_ = rasterize_meshes(
            triangles,
            image_size=(camera.height, camera.width),
            faces_per_pixel=1,
            perspective_correct=True,
            cull_backfaces=False,
            **self._binning(triangles, camera),
        )
        index = index[..., 0]
        # Indices continue over the views.
        number = index.remainder(face.shape[1]).flatten(1)
        return torch.where(index >= 0, face.gather(1, number).reshape(index.shape), -1)

    def _triangles(self, in_view: InView, camera: Camera) -> tuple[_Triangles, Tensor]:
        """Return the triangles of views: faces, then parts of those that cross the near plane.

        :returns: also the face that each belongs to, [B, T].
        """
        points, kept = in_view.points, in_view.faces
        is_none = kept == len(self._faces)
        faces = self._faces[kept.clamp(max=len(self._faces) - 1)]
        views, vertices = points.shape[:2]
        behind = (points[..., 2] < _NEAR_M).gather(1, faces.flatten(1)).reshape(faces.shape)
        crossing = behind.any(-1) & ~is_none
        count = decide(crossing.sum(1).max(), _room(_CROSSING_STEP), _holds)
        count = min(count, faces.shape[1])
        is_part, place = crossing.to(torch.uint8).topk(count)
        cut = faces.gather(1, place[..., None].expand(-1, -1, 3))
        parts = _clipped(points.gather(1, cut.flatten(1)[..., None].expand(-1, -1, 3)))
        parts[..., 2] = torch.where(is_part[..., None, None] > 0, parts[..., 2], -1.0)
        screen = torch.cat(
            (points.flatten(0, 1), parts.reshape(-1, 3), points.new_full((1, 3), -1))
        )
        first = vertices * torch.arange(views, device=self._device)[:, None, None]
        whole = torch.where((is_none | crossing)[..., None], len(screen) - 1, faces + first)
        of_parts = views * vertices + torch.arange(6 * views * count, device=self._device)
        corners = torch.cat((whole, of_parts.reshape(views, 2 * count, 3)), dim=1)
        of_cut = kept.gather(1, place).repeat_interleave(2, dim=1)
        return _Triangles(_to_ndc(screen, camera), corners), torch.cat((kept, of_cut), dim=1)

    def _seen(self, poses: Tensor, camera: Camera) -> InView:
        """Return what is in view from poses [B, 4, 4]."""
        points = se3.transform(se3.inverse(poses), self._vertices)
        outside, count = _outside(points, camera)[:, self._faces], len(self._faces)
        seen = (outside[..., 0] & outside[..., 1] & outside[..., 2]) == 0
        # Flat, which is faster on a GPU.
        total = seen.flatten().cumsum(0, dtype=torch.int32).reshape(seen.shape)
        number = total - (total[:, :1] - seen[:, :1].to(torch.int32))
        room = min(decide(number[:, -1].max(), _room(_FACES_STEP), _holds), count)
        # Faces out of view share a place of their own, at the end.
        place = torch.where(seen, number - 1, room).clamp(max=room).long()
        kept = torch.full((len(points), room + 1), count, device=self._device)
        kept.scatter_(1, place, torch.arange(count, device=self._device).expand_as(place))
        return InView(points, kept[:, :room])

    def _binning(self, triangles: _Triangles, camera: Camera) -> dict[str, int]:
        """Choose bins that hold all faces: PyTorch3D drops faces from full bins.

        It walks all places of a bin at every pixel, taken or not.
        """
        if self._device.type != 'cuda':
            return {'bin_size': 0, 'max_faces_per_bin': 0}
        longer = max(camera.width, camera.height)
        bin_size = next((size for size in _BIN_SIZES if size * _MOST_BINS >= longer), 0)
        if not bin_size:
            return {'bin_size': 0, 'max_faces_per_bin': 0}
        fullest = _fullest_bin(triangles, camera, bin_size)
        places = decide(fullest, _room(_FACES_STEP), _holds)
        return {'bin_size': bin_size, 'max_faces_per_bin': places}


def _room(step: int) -> Callable[[float], int]:
    """Return the rule for how much room a count needs."""
    return lambda count: (int(_SPARE * count) // step + 1) * step


def _holds(room: int, count: float) -> bool:
    return count <= room


def _outside(points: Tensor, camera: Camera) -> Tensor:
    """Return a bit for each side of the view that points [B, V, 3] lie beyond, [B, V] uint8."""
    x, y, z = points.unbind(-1)
    left, right = -0.5 - _MARGIN_PX - camera.cx, camera.width - 0.5 + _MARGIN_PX - camera.cx
    top, bottom = -0.5 - _MARGIN_PX - camera.cy, camera.height - 0.5 + _MARGIN_PX - camera.cy
    # Linear in x, y and z: what all corners lie beyond, the face does, behind the camera as well.
    sides = (
        z < _NEAR_M,
        camera.fx * x < left * z,
        camera.fx * x > right * z,
        camera.fy * y < top * z,
        camera.fy * y > bottom * z,
    )
    bits = torch.zeros_like(x, dtype=torch.uint8)
    for number, side in enumerate(sides):
        bits |= side.to(torch.uint8) << number
    return bits


def _clipped(corners: Tensor) -> Tensor:
    """Return the parts of faces in front of the near plane, [B, K, 2, 3, 3]: up to two triangles.

    :param corners: [B, 3 K, 3], camera frame, of faces with one or two corners in front.
    """
    corners = corners.unflatten(1, (-1, 3))
    front = corners[..., 2] >= _NEAR_M
    two = front.sum(-1, keepdim=True) == 2
    # Begin with the corner that is alone on its side.
    alone = (front != two).to(torch.uint8).argmax(-1, keepdim=True)
    order = (alone + torch.arange(3, device=corners.device)).remainder(3)
    a, b, c = corners.gather(2, order[..., None].expand(-1, -1, -1, 3)).unbind(2)
    p, q = _at_near_plane(a, b), _at_near_plane(a, c)
    first = torch.stack((torch.where(two, b, a), p, q), dim=2)
    second = torch.stack((b, q, c), dim=2)
    second[..., 2] = torch.where(two, second[..., 2], -1.0)
    return torch.stack((first, second), dim=2)


def _at_near_plane(a: Tensor, b: Tensor) -> Tensor:
    """Return where lines from a to b, [..., 3], cross the near plane."""
    change = b[..., 2:] - a[..., 2:]
    share = (_NEAR_M - a[..., 2:]) / torch.where(change == 0, 1.0, change)
    point = a + share * (b - a)
    point[..., 2] = _NEAR_M
    return point


def _to_ndc(points: Tensor, camera: Camera) -> Tensor:
    """Convert camera-frame points [..., 3] to x, y in the NDC of PyTorch3D, z stays in metres.

    In NDC x points left and y up, the shorter image side spans -1 to 1, and pixel centres lie half
    a pixel inside the border.
    """
    x, y, z = points.unbind(-1)
    # Faces with corners behind the camera are left out; this only has to avoid zero.
    depth = z.clamp(min=_NEAR_M)
    u, v = camera.fx * x / depth + camera.cx, camera.fy * y / depth + camera.cy
    shorter = min(camera.width, camera.height)
    x_ndc = (camera.width - 2 * (u + 0.5)) / shorter
    y_ndc = (camera.height - 2 * (v + 0.5)) / shorter
    return torch.stack((x_ndc, y_ndc, z), dim=-1)


def _fullest_bin(triangles: _Triangles, camera: Camera, bin_size: int) -> Tensor:
    """Return the number of faces in the bin with most of them, as PyTorch3D counts."""
    corners = triangles.screen[triangles.corners]
    shorter = min(camera.width, camera.height)
    is_seen = (corners[..., 2] >= 0).all(-1)
    spans = []
    for axis, size in enumerate((camera.width, camera.height)):
        # Bins begin at the right and at the bottom.
        pixels = 0.5 * (shorter * corners[..., axis] + size)
        low, high = pixels.amin(-1) - _ROUNDING_PX, pixels.amax(-1) + _ROUNDING_PX
        is_seen &= (high > 0) & (low < size)
        count = -(-size // bin_size)
        spans.append([(end / bin_size).floor().clamp(0, count - 1).long() for end in (low, high)])
    (left, right), (below, above) = spans
    # Each face adds one to a rectangle of bins: by its corners, summed up along both axes.
    rows, columns = -(-camera.height // bin_size) + 1, -(-camera.width // bin_size) + 1
    changes = torch.zeros(len(corners), rows * columns, dtype=torch.int32, device=corners.device)
    one = is_seen.to(torch.int32)
    for row, column, sign in (
        (below, left, 1),
        (below, right + 1, -1),
        (above + 1, left, -1),
        (above + 1, right + 1, 1),
    ):
        changes.scatter_add_(1, row * columns + column, sign * one)
    return changes.unflatten(1, (rows, columns)).cumsum(1).cumsum(2).max()
