"""A person who walks through the view and is not in the mesh."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.painted_room.paint.canvas import Array, Colour
from mesh_reloc_ros.types.camera import Camera

# The person walks along a line of constant y: metres and seconds.
WALK_Y = 1.30
WALK_FROM_X = 0.55
WALK_BEGIN = 3.8
WALK_SPEED = 0.95
STRIDE_HZ = 0.85

TEXELS_PER_METRE = 500.0
FIGURE_WIDTH, FIGURE_HEIGHT = 1.3, 1.9
LIGHT = (0.62, 0.52, 0.58)
"""Direction of the light: ahead, up, and towards the viewer."""

JACKET: Colour = (0.13, 0.17, 0.24)
JEANS: Colour = (0.16, 0.20, 0.31)
SKIN: Colour = (0.72, 0.52, 0.42)
HAIR: Colour = (0.13, 0.09, 0.07)
BOOTS: Colour = (0.12, 0.09, 0.08)
BAG: Colour = (0.45, 0.22, 0.14)


@dataclass(frozen=True)
class Limb:
    """A tapered capsule in the plane of the walk; points are metres ahead + i metres up."""

    start: complex
    end: complex
    start_radius: float
    end_radius: float
    colour: Colour
    check: float = 0.0
    """Contrast of its checked pattern."""


def composited(
    image: Array, depth: Array, map_T_camera: NDArray[np.float64], camera: Camera, seconds: float
) -> tuple[Array, Array]:
    """Return the image [H, W, 3] with the passer-by, and how much of each pixel is covered [H, W].

    :param depth: [H, W], metres along z; nearer surfaces occlude the passer-by.
    """
    origin, right, down = _figure_plane(map_T_camera, seconds)
    homography = camera.matrix @ np.stack((right, down, origin), axis=1)
    width, height = int(FIGURE_WIDTH * TEXELS_PER_METRE), int(FIGURE_HEIGHT * TEXELS_PER_METRE)
    corners = homography @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    if (corners[2] < 0.1).any() or not _in_view(corners[:2] / corners[2], camera):
        return image, np.zeros(image.shape[:2], dtype=np.float32)
    figure, opacity = draw_figure(2 * np.pi * STRIDE_HZ * seconds)
    size = (camera.width, camera.height)
    # Colours are multiplied by their opacity before warping, so that no background bleeds in.
    laid = cv2.warpPerspective(figure * opacity[..., None], homography, size)
    covered = cv2.warpPerspective(opacity, homography, size)
    normal = np.cross(right, down)
    rays = camera.rays().numpy()
    hidden = (depth > 0) & (depth < (normal @ origin) / (rays @ normal))
    laid[hidden], covered[hidden] = 0, 0
    return image * (1 - covered[..., None]) + laid, covered


def _figure_plane(
    map_T_camera: NDArray[np.float64], seconds: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the first texel of the figure, and one texel right and down, in the camera's frame."""
    middle = WALK_FROM_X + WALK_SPEED * (seconds - WALK_BEGIN)
    corner = np.array([middle - FIGURE_WIDTH / 2, WALK_Y, FIGURE_HEIGHT])
    camera_R_map = map_T_camera[:3, :3].T
    right = camera_R_map @ np.array([1, 0, 0]) / TEXELS_PER_METRE
    down = camera_R_map @ np.array([0, 0, -1]) / TEXELS_PER_METRE
    origin = camera_R_map @ (corner - map_T_camera[:3, 3]) + 0.5 * (right + down)
    return origin, right, down


def _in_view(corners: NDArray[np.float64], camera: Camera) -> bool:
    low, high = corners.min(axis=1), corners.max(axis=1)
    return bool((high > 0).all() and low[0] < camera.width and low[1] < camera.height)


def draw_figure(phase: float) -> tuple[Array, Array]:
    """Draw the passer-by at a phase of the stride (rad): RGB [H, W, 3] and opacity [H, W]."""
    height, width = int(FIGURE_HEIGHT * TEXELS_PER_METRE), int(FIGURE_WIDTH * TEXELS_PER_METRE)
    image = np.zeros((height, width, 3), dtype=np.float32)
    opacity = np.zeros((height, width), dtype=np.float32)
    for limb in _body(phase):
        _draw_limb(image, opacity, limb)
    return image, opacity


def _body(phase: float) -> list[Limb]:
    """Return the limbs from back to front."""
    hip = complex(0, 0.93 + 0.015 * math.cos(2 * phase))
    shoulder, neck, head = hip + 0.05 + 0.50j, hip + 0.06 + 0.60j, hip + 0.085 + 0.745j
    bag = Limb(hip - 0.16 + 0.14j, hip - 0.15 + 0.36j, 0.095, 0.085, BAG, 0.15)
    torso = [
        Limb(hip + 0.02j, shoulder - 0.01 - 0.10j, 0.135, 0.150, JACKET, 0.5),
        Limb(shoulder - 0.01 - 0.12j, shoulder - 0.02j, 0.150, 0.105, JACKET, 0.5),
        Limb(neck - 0.06j, neck + 0.015 + 0.06j, 0.062, 0.050, SKIN),
    ]
    face = [
        Limb(head + 0.03 - 0.065j, head + 0.002 + 0.02j, 0.050, 0.080, SKIN),
        Limb(head + 0.072 + 0.01j, head + 0.085 - 0.020j, 0.009, 0.013, SKIN),
        Limb(head + 0.035 + 0.066j, head - 0.030 + 0.045j, 0.032, 0.066, HAIR, 0.12),
        Limb(head - 0.038 + 0.035j, head - 0.045 - 0.055j, 0.070, 0.040, HAIR, 0.12),
        Limb(head - 0.008 - 0.015j, head - 0.012 - 0.030j, 0.016, 0.012, SKIN),
    ]
    far = [*_arm(shoulder, phase), *_leg(hip, phase + math.pi)]
    near = [*_leg(hip, phase), *face, *_arm(shoulder, phase + math.pi)]
    return [*far, bag, *torso, *near]


def _leg(hip: complex, phase: float) -> list[Limb]:
    thigh = 0.42 * math.sin(phase)
    bend = 0.12 + 0.75 * max(0.0, math.cos(phase)) ** 2
    knee = hip + 0.44 * _hanging(thigh)
    ankle = knee + 0.42 * _hanging(thigh - bend)
    toe = ankle + (0.15 - 0.03j if bend < 0.5 else 0.11 - 0.10j)
    return [
        Limb(hip, knee, 0.105, 0.072, JEANS, 0.12),
        Limb(knee, ankle, 0.072, 0.052, JEANS, 0.12),
        Limb(ankle - 0.02 - 0.02j, toe, 0.050, 0.034, BOOTS),
    ]


def _arm(shoulder: complex, phase: float) -> list[Limb]:
    swing = 0.45 * math.sin(phase)
    top = shoulder - 0.04j
    elbow = top + 0.28 * _hanging(swing)
    wrist = elbow + 0.25 * _hanging(swing + 0.45)
    return [
        Limb(top, elbow, 0.068, 0.052, JACKET, 0.5),
        Limb(elbow, wrist, 0.052, 0.042, JACKET, 0.5),
        Limb(wrist, wrist + 0.08 * _hanging(swing + 0.5), 0.036, 0.032, SKIN),
    ]


def _hanging(angle: float) -> complex:
    """Return the direction of a limb that hangs down, swung forwards by an angle (rad)."""
    return -1j * cmath.exp(1j * angle)


def _draw_limb(image: Array, opacity: Array, limb: Limb) -> None:
    """Draw a limb, shaded as a round body, over the image."""
    radius = max(limb.start_radius, limb.end_radius) + 0.01
    columns = _span(limb.start.real, limb.end.real, radius, FIGURE_WIDTH / 2, image.shape[1])
    rows = _span(-limb.start.imag, -limb.end.imag, radius, FIGURE_HEIGHT, image.shape[0])
    ahead = (columns + 0.5) / TEXELS_PER_METRE - FIGURE_WIDTH / 2
    above = FIGURE_HEIGHT - (rows + 0.5) / TEXELS_PER_METRE

    axis = limb.end - limb.start
    length, axis = abs(axis), axis / abs(axis)
    # Along the limb (real) and across it (imaginary).
    local = (ahead[None, :] + 1j * above[:, None] - limb.start) / axis
    along = np.clip(local.real, 0, length)
    thickness = limb.start_radius + (limb.end_radius - limb.start_radius) * along / length
    outward = (local - along) * axis / thickness
    distance = np.abs(outward)
    facing = np.sqrt(np.clip(1 - distance**2, 0, 1))
    light = LIGHT[0] * outward.real + LIGHT[1] * outward.imag + LIGHT[2] * facing
    check = 0.5 * np.sign(np.sin(along * 150)) + 0.5 * np.sign(np.sin(local.imag * 150))
    weave = 0.3 * np.sin(along * 900) * np.sin(local.imag * 900)
    tone = (0.30 + 1.05 * np.clip(light, 0, None)) * (1 + limb.check * (check + weave))

    cover = np.clip((1 - distance) * thickness * TEXELS_PER_METRE + 0.5, 0, 1)[..., None]
    region = np.ix_(rows, columns)
    image[region] = image[region] * (1 - cover) + cover * tone[..., None] * np.array(limb.colour)
    opacity[region] = np.maximum(opacity[region], cover[..., 0])


def _span(start: float, end: float, radius: float, origin: float, count: int) -> NDArray[np.int64]:
    """Return the rows or columns of the figure that a limb may touch."""
    first = int((min(start, end) - radius + origin) * TEXELS_PER_METRE)
    last = int((max(start, end) + radius + origin) * TEXELS_PER_METRE)
    return np.arange(max(first, 0), min(last + 1, count))
