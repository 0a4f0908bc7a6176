"""The mesh as a picture, from a pose or as a whole."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import torch

from mesh_reloc_ros.mesh_io.winding import fronts_are_known
from mesh_reloc_ros.overlay.view import Image
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.pose import looking_at
from mesh_reloc_tools.pictures import BACKGROUND

# Pixels are averages of this many by as many rays.
_RAYS = 2
# Seen from this many times its size, a mesh looks as in a drawing, without perspective.
_FAR = 8.0
_FILLED = 0.92
# Length of the arrows at cameras, as a share of all that is shown.
_ARROW = 0.06
# Percentage of vertices ignored at either end of each axis: strays must not shrink the rest.
_STRAY = 0.5
# Where fewer of the surface shows its front, backs are shown, too.
_LEAST_FRONT = 0.15
_MARK = (255, 70, 150)


def drawn(scene: Scene, pose: Array, camera: Camera) -> tuple[Image, float]:
    """Return what a camera sees from a pose [4, 4], and which share of it is textured mesh."""
    fine = camera.resized(_RAYS * camera.width, _RAYS * camera.height)
    render = scene.render(torch.from_numpy(np.asarray(pose, np.float32)), fine)
    is_empty = (render.face[0] < 0) & ~render.colour[0].any(-1)
    colour = 255 * render.colour[0].cpu().numpy()
    colour[is_empty.cpu().numpy()] = BACKGROUND
    image = cv2.resize(colour, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return (image + 0.5).clip(0, 255).astype(np.uint8), float(render.mask.float().mean())


def opened(scene: Scene, direction: Array) -> Scene:
    """Return the mesh without what shows its back when seen along a direction [3].

    So one looks through the ceiling into a room, as into a doll's house. A mesh stays whole if its
    fronts are not known, or if almost all of it shows its back.
    """
    mesh = scene.mesh
    kept = scene.face_normals.cpu().numpy() @ direction < 0
    a, b, c = mesh.vertices[mesh.faces].transpose(1, 0, 2)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) * scene.is_textured
    is_open = not kept.all() and area[kept].sum() > _LEAST_FRONT * area.sum()
    if not is_open or not fronts_are_known(mesh):
        return scene
    part = dataclasses.replace(
        mesh, faces=mesh.faces[kept], face_materials=mesh.face_materials[kept]
    )
    return Scene(part, scene.device.type)


def seen_along(
    scene: Scene, direction: Array, top: Array, size: tuple[int, int], cameras: Array
) -> Image:
    """Return the whole mesh, opened, from afar, with numbered marks at cameras [N, 4, 4].

    :param direction: [3], where one looks. :param top: [3], what points up in the picture.
    :param size: width and height in pixels.
    """
    shown, spots = opened(scene, direction), cameras[:, :3, 3]
    low, high = np.percentile(scene.mesh.vertices, (_STRAY, 100 - _STRAY), axis=0)
    corners = np.stack(np.meshgrid(*np.stack((low, high), axis=1)), -1).reshape(-1, 3)
    middle, extent = (low + high) / 2, float(np.linalg.norm(high - low))
    pose = looking_at(middle - _FAR * extent * direction, middle, top)
    points = np.concatenate((corners, spots))
    camera = _fitting(points, pose, size)
    length = _ARROW * float(np.linalg.norm(np.ptp(points, axis=0)))
    image, _ = drawn(shown, pose, camera)
    for number, place in enumerate(cameras, start=1):
        ahead = place[:3, 3] + length * place[:3, 2]
        ends = _projected(np.stack((place[:3, 3], ahead)), pose, camera)
        _mark(image, ends, str(number))
    return image


def _mark(image: Image, ends: Array, name: str) -> None:
    """Draw an arrow between pixels [2, 2], with a name at its start."""
    (x, y), tip = ends.round().astype(int).tolist()
    cv2.arrowedLine(image, (x, y), tip, _MARK, 2, cv2.LINE_AA, tipLength=0.35)
    cv2.circle(image, (x, y), 5, _MARK, -1, cv2.LINE_AA)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(image, name, (x + 8, y - 8), font, 0.7, _MARK, 2, cv2.LINE_AA)


def _fitting(points: Array, pose: Array, size: tuple[int, int]) -> Camera:
    """Return the camera that sees points [N, 3] as large as they fit."""
    width, height = size
    one = Camera(width, height, 1.0, 1.0, 0.0, 0.0)
    pixels = _projected(points, pose, one)
    low, high = pixels.min(0), pixels.max(0)
    focal = float(_FILLED * (np.array(size) / np.maximum(high - low, 1e-9)).min())
    centre = (np.array(size) - 1) / 2 - focal * (low + high) / 2
    return Camera(width, height, focal, focal, float(centre[0]), float(centre[1]))


def _projected(points: Array, pose: Array, camera: Camera) -> Array:
    """Return the pixels [N, 2] of points [N, 3]."""
    seen = (points - pose[:3, 3]) @ pose[:3, :3]
    return np.asarray(camera.project(torch.from_numpy(seen)).numpy())
