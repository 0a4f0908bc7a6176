"""Poses from matches of local features: each match votes for a pose, and votes that agree count.

A feature has a place, a size and an angle, in the image as in the view of the mesh where it was
found. So a single match tells roughly where the camera is: D. Lowe, "Distinctive image features
from scale-invariant keypoints", IJCV 2004, section 7.3, here for all six numbers of a pose. Votes
for wrong poses scatter, so few right matches among thousands are enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.relocalize._pose_nms import same
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

# Votes agree within this share of the distance, and this angle.
_NEAR_SHARE, _NEAR_ANGLE = 0.35, math.radians(25)
# A match fits a pose, roughly, if its point appears within this share of the image's width, and if
# its vote has about the same distance and rotation.
_ROUGH, _ROUGH_OCTAVES, _ROUGH_ANGLE = 0.15, 1.0, math.radians(50)
# It is an inlier within this share of the width. RANSAC draws this often, if there are enough.
_INLIER = 0.008
_DRAWS, _LEAST = 200, 4
# Pixels in which several inliers count once, as a share of the width.
_CELL = 0.006
# A pose is refined with a tolerance that shrinks.
_TOLERANCES = (2.0, 1.5, 1.0)
# Most groups of votes that are refined. Once a pose has plenty of inliers, others need more than a
# share of the weight of its group.
_GROUPS, _PLENTY, _RIVAL_SHARE = 30, 20, 0.3
# Most poses of a group, and the share of the tolerances of votes within which two of them are one.
_SHIFTED, _SAME = 3, 0.1


@dataclass(frozen=True)
class Matches:
    """M matches of features of an image with points of the map, and the poses they vote for."""

    camera: Camera
    """Of the image."""
    pixels: Array
    """[M, 2], in the image."""
    points: Array
    """[M, 3], map, metres."""
    weights: Array
    """[M], the more distinctive, the larger."""
    votes: Array
    """[M, 4, 4], map_T_camera."""
    distances: Array
    """[M], metres, from the camera of the vote to the point."""

    def of(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Matches:
        """Return the chosen matches."""
        rest = (self.pixels, self.points, self.weights, self.votes, self.distances)
        return Matches(self.camera, *(values[chosen] for values in rest))


@dataclass(frozen=True)
class VotedPose:
    """A pose that matches agree with."""

    map_T_camera: Array
    """[4, 4]"""
    distance: float
    """Metres, median, of the inliers."""
    inliers: int
    """Different places in the image that agree with the pose."""


def vote(
    rays: Array, growth: Array, roll: Array, map_T_view: Array, points: Array
) -> tuple[Array, Array]:
    """Return the poses [M, 4, 4] that matches vote for, and distances [M] to the points, metres.

    The feature is seen under the angle and the roll that its size and its angle tell, along the ray
    of its pixel, and otherwise as in the view of the mesh.

    :param rays: [M, 3], unit length, camera frame.
    :param growth: [M], size in the image over size in the view, as angles.
    :param roll: [M], radians, angle in the image less angle in the view.
    :param map_T_view: [M, 4, 4]. :param points: [M, 3], map, metres.
    """
    in_view = np.einsum('nji,nj->ni', map_T_view[:, :3, :3], points - map_T_view[:, :3, 3])
    way = np.linalg.norm(in_view, axis=1)
    turn = Rotation.from_rotvec(roll[:, None] * (0.0, 0.0, 1.0))
    onto = _shortest_turn(turn.apply(in_view / way[:, None]), rays)
    camera_R_view = (onto * turn).as_matrix()
    poses = np.tile(np.eye(4), (len(rays), 1, 1))
    poses[:, :3, :3] = map_T_view[:, :3, :3] @ camera_R_view.transpose(0, 2, 1)
    distances = way / growth
    poses[:, :3, 3] = points - np.einsum('nij,nj->ni', poses[:, :3, :3], rays * distances[:, None])
    return poses, distances


def voted_poses(matches: Matches, count: int) -> list[VotedPose]:
    """Return up to `count` poses that matches agree with, those with most inliers first."""
    found: list[VotedPose] = []
    support, least = _support(matches), 0.0
    for _ in range(min(_GROUPS, len(support))):
        best = int(support.argmax())
        if support[best] <= least:
            break
        pose, metres = matches.votes[best], _NEAR_SHARE * matches.distances[best]
        group = support[best]
        support[same(matches.votes, pose, metres, _NEAR_ANGLE)] = 0
        agreed = _agreed(matches, pose)
        if not agreed or any(_is_near(agreed[0], other) for other in found):
            continue
        found += agreed
        # Its other votes would lead here again, and far weaker groups nowhere.
        support[_fitting(matches, agreed[0].map_T_camera, _ROUGH)] = 0
        if agreed[0].inliers >= _PLENTY:
            least = max(least, _RIVAL_SHARE * group)
    return sorted(found, key=lambda pose: -pose.inliers)[:count]


def _agreed(matches: Matches, pose: Array) -> list[VotedPose]:
    """Return the poses about a rough one that matches agree with, the best first.

    There are several where the surface repeats itself, as rows of windows do: that which is off by
    one window may have the most inliers.
    """
    found: list[VotedPose] = []
    for _ in range(_SHIFTED):
        refined = _refined(matches, pose)
        if refined is None or (found and refined.inliers < _RIVAL_SHARE * found[0].inliers):
            break
        if not any(_is_near(refined, other) for other in found):
            found.append(refined)
        others = np.ones(len(matches.points), dtype=bool)
        others[_fitting(matches, refined.map_T_camera, _INLIER)] = False
        matches = matches.of(others)
    return found


def _is_near(pose: VotedPose, other: VotedPose) -> bool:
    metres = _SAME * _NEAR_SHARE * other.distance
    return bool(same(pose.map_T_camera[None], other.map_T_camera, metres, _SAME * _NEAR_ANGLE)[0])


def _shortest_turn(start: Array, end: Array) -> Rotation:
    """Return the rotations that turn unit vectors [N, 3] onto others."""
    axis, cosine = np.cross(start, end), (start * end).sum(1)
    sine = np.linalg.norm(axis, axis=1)
    angle = np.arctan2(sine, cosine)
    return Rotation.from_rotvec(axis * (angle / np.maximum(sine, 1e-12))[:, None])


def _support(matches: Matches) -> Array:
    """Return the weight [M] of all votes that agree with each."""
    # The distance between rotation matrices as vectors of nine numbers.
    chord = 2 * math.sqrt(2) * math.sin(_NEAR_ANGLE / 2)
    octave = np.log2(matches.distances)
    support = np.zeros(len(octave))
    for low in np.unique(np.floor(octave)):
        # Tolerances are those of the middle of the octave, whose neighbours count.
        part = np.flatnonzero((octave >= low - 0.5) & (octave < low + 1.5))
        own = (octave[part] >= low) & (octave[part] < low + 1)
        votes = matches.votes[part]
        places = np.hstack(
            (
                votes[:, :3, 3] / (_NEAR_SHARE * 2 ** (low + 0.5)),
                votes[:, :3, :3].reshape(-1, 9) / chord,
            )
        )
        near = cKDTree(places).query_ball_point(places[own], 1.0)
        support[part[own]] = [matches.weights[part[numbers]].sum() for numbers in near]
    return support


def _refined(matches: Matches, pose: Array) -> VotedPose | None:
    """Return the pose by RANSAC and least squares of the matches that fit a rough one."""
    camera = matches.camera
    rough = _sampled(matches.of(_fitting(matches, pose, _ROUGH)))
    for factor in _TOLERANCES:
        if rough is None:
            return None
        inliers = matches.of(_fitting(matches, rough, factor * _INLIER))
        rough = _least_squares(inliers, rough)
    if rough is None:
        return None
    inliers = matches.of(_fitting(matches, rough, _INLIER))
    if not len(inliers.points):
        return None
    pixels, ways = _projected(inliers.points, rough, camera)
    # Many features at one place, or of one point, are not many.
    count = min(_cells(inliers.pixels, camera), _cells(pixels, camera))
    return VotedPose(rough, float(np.median(ways)), count)


def _sampled(matches: Matches) -> Array | None:
    """Return the pose [4, 4] that most matches agree with; None if there is none."""
    if len(matches.points) < _LEAST:
        return None
    is_found, rotation, translation, _ = cv2.solvePnPRansac(
        matches.points,
        matches.pixels,
        matches.camera.matrix,
        None,
        iterationsCount=_DRAWS,
        reprojectionError=_INLIER * matches.camera.width,
        flags=cv2.SOLVEPNP_AP3P,
    )
    return _inverse_of(cv2.Rodrigues(rotation)[0], translation[:, 0]) if is_found else None


def _least_squares(matches: Matches, pose: Array) -> Array | None:
    """Return the pose with the least reprojection error; None if there are too few matches."""
    if len(matches.points) < _LEAST:
        return None
    start = _inverse_of(pose[:3, :3], pose[:3, 3])
    rotation, translation = cv2.solvePnPRefineLM(
        matches.points,
        matches.pixels,
        matches.camera.matrix,
        None,
        cv2.Rodrigues(start[:3, :3])[0],
        start[:3, 3:].copy(),
    )
    return _inverse_of(cv2.Rodrigues(rotation)[0], translation[:, 0])


def _cells(pixels: Array, camera: Camera) -> int:
    """Return the number of cells of the image that pixels [N, 2] lie in."""
    return len(np.unique(np.floor(pixels / (_CELL * camera.width)), axis=0))


def _fitting(matches: Matches, pose: Array, share: float) -> NDArray[np.int64]:
    """Return the matches that fit a pose within a share of the image's width."""
    pixels, way = _projected(matches.points, pose, matches.camera)
    error = np.linalg.norm(pixels - matches.pixels, axis=1)
    octaves = np.abs(np.log2(np.maximum(way, 1e-9) / matches.distances))
    trace = np.einsum('nij,ij->n', matches.votes[:, :3, :3], pose[:3, :3])
    return np.flatnonzero(
        (way > 0)
        & (error < share * matches.camera.width)
        & (octaves < _ROUGH_OCTAVES)
        & (trace > 1 + 2 * math.cos(_ROUGH_ANGLE))
    )


def _projected(points: Array, pose: Array, camera: Camera) -> tuple[Array, Array]:
    """Return the pixels [N, 2] of points [N, 3] of the map, and their distances, 0 if behind."""
    in_camera = (points - pose[:3, 3]) @ pose[:3, :3]
    z = np.maximum(in_camera[:, 2:], 1e-9)
    pixels = in_camera[:, :2] / z * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    return pixels, np.linalg.norm(in_camera, axis=1) * (in_camera[:, 2] > 0)


def _inverse_of(rotation: Array, translation: Array) -> Array:
    """Return the inverse [4, 4] of a rotation [3, 3] and a translation [3]."""
    pose = np.eye(4)
    pose[:3, :3] = rotation.T
    pose[:3, 3] = -rotation.T @ translation
    return pose
