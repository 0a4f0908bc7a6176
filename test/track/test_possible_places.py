"""Places that look alike: followed through later images, and published only if one is left."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.small_room import (
    CAMERA,
    error,
    looking,
    photographed,
    rendered,
    small_room_mesh,
    twice,
)

from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.relocalize.relocalizer import make_relocalizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.estimate import PoseEstimate, Rejection
from mesh_reloc_ros.types.frame import Frame

APART_M = 100.0
TURNS_DEG = np.arange(0.0, 92.0, 4.0)


def pose(heading_deg: float) -> np.ndarray:
    return looking((0.0, 0.0, 1.3), heading_deg=heading_deg, down_deg=10.0)


def faces_seen(scene: Scene, heading_deg: float) -> np.ndarray:
    face = scene.render(torch.from_numpy(pose(heading_deg)), CAMERA).face
    return np.unique(face[face >= 0].numpy())


@pytest.fixture(scope='module')
def walk() -> list[Frame]:
    """Return images of a camera that turns in the first of the rooms."""
    scene = Scene(small_room_mesh(), device='cpu')
    return [
        Frame(number * 33_000_000, photographed(rendered(scene, pose(turn)), number), CAMERA)
        for number, turn in enumerate(TURNS_DEG)
    ]


def estimates(scene: Scene, frames: list[Frame]) -> list[PoseEstimate]:
    settings = Settings(
        relocalization=RelocalizationSettings(viewpoint_spacing=1.0, max_memory=4.3)
    )
    relocalizer = make_relocalizer(scene, settings.relocalization, settings.alignment, None)
    with Pipeline(scene, settings, relocalizer) as pipeline:
        return list(pipeline.run(frames))


def test_at_two_places_that_are_the_same_no_pose_is_trusted(walk):
    scene = Scene(twice(small_room_mesh(), APART_M), device='cpu')
    found = estimates(scene, walk[:8])
    assert not any(estimate.trusted for estimate in found)
    assert found[-1].rejection is Rejection.AMBIGUOUS
    assert found[-1].reason == '2 places look alike'
    assert found[-1].places_alike == 2


def test_once_the_images_show_a_difference_the_right_place_is_published(walk):
    mesh = twice(small_room_mesh(), APART_M)
    whole = Scene(mesh, device='cpu')
    later = np.setdiff1d(faces_seen(whole, TURNS_DEG[-1]), faces_seen(whole, TURNS_DEG[0]))
    kept = np.setdiff1d(np.arange(len(mesh.faces)), later + len(mesh.faces) // 2)
    other = replace(mesh, faces=mesh.faces[kept], face_materials=mesh.face_materials[kept])
    found = estimates(Scene(other, device='cpu'), walk)
    assert found[0].rejection is Rejection.AMBIGUOUS
    assert found[-1].trusted
    assert [found[0].places_alike, found[-1].places_alike] == [2, 0]
    for estimate, turn in zip(found, TURNS_DEG, strict=True):
        if estimate.trusted:
            metres, degrees = error(estimate.map_T_camera, pose(turn))
            assert metres < 0.03
            assert degrees < 0.5
