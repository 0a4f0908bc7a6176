"""The part of the image around a small mesh."""

import numpy as np
import pytest
import torch
from support.small_room import SmallRoom, clouds, error, looking, perturbed

from mesh_reloc_ros.align.alignment import AlignMode
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.focus import FAR_MARGIN, focus, focused_camera, mesh_box
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

CAMERA = Camera(640, 480, 520.0, 520.0, 319.5, 239.5)
FAR = looking((-9.7, -16.0, 3.6), heading_deg=57.0, down_deg=5.0)


def frame_at(room: SmallRoom, pose: np.ndarray) -> Frame:
    """Return what a camera sees of the room before a background that has texture, too."""
    view = room.scene.render(torch.from_numpy(pose), CAMERA)
    seen = (255 * view.colour[0]).round().to(torch.uint8).numpy()
    behind = np.tile(clouds(seed=60), (1, 2, 1))[:480, :640]
    image = np.where(view.mask[0].numpy()[..., None], seen, behind)
    noise = np.random.default_rng(1).normal(scale=4, size=image.shape)
    return Frame(1, (image + noise).round().clip(0, 255).astype(np.uint8), CAMERA)


def pixels_of(points: np.ndarray, pose: np.ndarray) -> np.ndarray:
    x, y, z = ((points - pose[:3, 3]) @ pose[:3, :3]).T
    return np.column_stack((x / z, y / z)) * CAMERA.fx + (CAMERA.cx, CAMERA.cy)


@pytest.mark.parametrize('seed', range(5))
def test_it_holds_the_mesh_with_a_margin_on_the_grid_of_the_pyramid(room: SmallRoom, seed: int):
    pose = perturbed(FAR, seed, metres=0.5, degrees=6.0)
    box = mesh_box(room.scene, CAMERA, pose)
    assert box is not None
    left, top, width, height = box
    assert not any(side % 32 for side in box)
    assert 0 <= left < left + width <= 640
    assert 0 <= top < top + height <= 480
    pixels = pixels_of(room.scene.mesh.vertices.astype(np.float64), pose)
    low, high = pixels.min(0), pixels.max(0)
    size = high - low
    least = np.maximum(low - 0.2 * size, 0), np.minimum(high + 0.2 * size, (640, 480))
    assert (least[0] >= (left, top)).all()
    assert (least[1] <= (left + width, top + height)).all()
    assert width * height < 0.25 * 640 * 480
    more = mesh_box(room.scene, CAMERA, pose, FAR_MARGIN)
    assert more is not None
    assert more[2] * more[3] > width * height


def test_the_part_is_a_frame_of_its_own(room: SmallRoom):
    frame = frame_at(room, FAR)
    part = focus(room.scene, frame, FAR)
    left, top, width, height = mesh_box(room.scene, CAMERA, FAR)
    np.testing.assert_array_equal(part.image, frame.image[top : top + height, left : left + width])
    assert part.camera == focused_camera(room.scene, CAMERA, FAR)
    # The same point of the mesh, in both images.
    ray = np.array([0.01, 0.02, 1.0])
    assert part.camera.matrix @ ray == pytest.approx(CAMERA.matrix @ ray - (left, top, 0))


@pytest.mark.parametrize(
    'pose',
    [
        looking((-0.3, -1.6, 1.3), heading_deg=80.0, down_deg=12.0),
        looking((-2.5, -4.0, 1.5), heading_deg=60.0, down_deg=5.0),
        looking((-9.7, -16.0, 3.6), heading_deg=236.0, down_deg=4.0),
        looking((-9.7, -16.0, 3.6), heading_deg=150.0, down_deg=4.0),
    ],
    ids=['within', 'near', 'behind', 'beside'],
)
def test_the_whole_image_is_used_if_the_mesh_is_near_or_out_of_view(room: SmallRoom, pose):
    assert mesh_box(room.scene, CAMERA, pose) is None
    frame = Frame(1, np.zeros((480, 640, 3), dtype=np.uint8), CAMERA)
    assert focus(room.scene, frame, pose) is frame
    assert focused_camera(room.scene, CAMERA, pose) == CAMERA


def test_the_outline_bounds_all_vertices_in_a_view(room: SmallRoom):
    vertices = room.scene.mesh.vertices.astype(np.float64)
    for seed in range(10):
        pose = perturbed(FAR, seed, metres=2.0, degrees=5.0)
        whole, outline = pixels_of(vertices, pose), pixels_of(room.scene.outline, pose)
        assert outline.min(0) == pytest.approx(whole.min(0), abs=2)
        assert outline.max(0) == pytest.approx(whole.max(0), abs=2)


@pytest.mark.parametrize('seed', range(3))
def test_the_part_is_aligned_at_the_pose_of_the_whole(room: SmallRoom, seed: int):
    frame = frame_at(room, FAR)
    start = perturbed(FAR, seed, metres=0.1, degrees=0.3)
    poses = []
    for seen in (frame, focus(room.scene, frame, start)):
        found = align_lm(
            room.scene,
            image_pyramid(seen.image, seen.camera),
            torch.from_numpy(start)[None],
            None,
            AlignmentSettings(),
            AlignMode.COARSE,
        )
        poses.append(found.pose)
        metres, degrees = error(found.pose, FAR)
        assert metres < 0.005 * float(found.distance[0])
        assert degrees < 0.1
    metres, degrees = error(*poses)
    assert metres < 0.05
    assert degrees < 0.1
