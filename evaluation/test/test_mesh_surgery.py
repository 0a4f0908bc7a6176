"""Meshes made of other meshes show what the others show, where they are."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mesh_reloc_evaluation.mesh_surgery import cut_to_ball, joined, moved, turned
from mesh_reloc_evaluation.obj_file import write_obj
from mesh_reloc_evaluation.small_room import rendered
from support.small_room import CAMERA, pose_at

from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.render.scene import Scene

OFFSET = np.array([60.0, -20.0, 5.0])
# Coordinates of 60 m are rounded to some micrometres: no more than this changes at edges.
GREY_LEVELS = 0.1


def normals(mesh):
    a, b, c = mesh.vertices[mesh.faces].transpose(1, 0, 2)
    return np.cross(b - a, c - a)


def at(pose, offset):
    there = pose.copy()
    there[:3, 3] += offset
    return there


def difference(a, b):
    return np.abs(a.astype(float) - b).mean()


def test_a_ball_keeps_the_faces_inside_it_and_their_texture(room):
    box = np.array([0.0, 0.6, 0.4])
    part = cut_to_ball(room.scene.mesh, box, 1.0)
    middles = room.scene.mesh.vertices[room.scene.mesh.faces].mean(1)
    assert len(part.faces) == (np.linalg.norm(middles - box, axis=1) <= 1.0).sum()
    assert 0 < len(part.faces) < len(room.scene.mesh.faces)
    assert set(np.unique(part.faces)) == set(range(len(part.vertices)))
    whole, render = (
        scene.render(torch.from_numpy(pose_at(0)), CAMERA)
        for scene in (room.scene, Scene(part, 'cpu'))
    )
    # Where the part hides nothing else, it looks as before.
    same = render.mask[0] & ((render.depth[0] - whole.depth[0]).abs() < 1e-4)
    assert same.sum() > 1000
    assert (render.colour[0] - whole.colour[0])[same].abs().mean() < 1e-3


def test_a_ball_around_nothing_is_empty(room):
    part = cut_to_ball(room.scene.mesh, np.array([100.0, 0.0, 0.0]), 1.0)
    assert part.faces.shape == (0, 3)
    assert len(part.vertices) == len(part.uvs) == 0


@pytest.mark.parametrize('share', [1.0, 0.5, 0.25])
def test_a_share_of_the_faces_is_turned_and_nothing_else_changes(room, share):
    mesh = room.scene.mesh
    other = turned(mesh, share, seed=1)
    opposite = (normals(mesh) * normals(other)).sum(1) < 0
    assert opposite.sum() == round(share * len(mesh.faces))
    assert np.array_equal(np.sort(mesh.faces, axis=1), np.sort(other.faces, axis=1))
    assert np.array_equal(other.faces, turned(mesh, share, seed=1).faces)


def test_joined_meshes_look_as_each_does_by_itself(room):
    mesh = room.scene.mesh
    small = cut_to_ball(mesh, np.array([0.0, 0.6, 0.4]), 1.0)
    small = replace(small, textures=[255 - texture for texture in small.textures])
    both = Scene(joined([mesh, moved(small, OFFSET)]), 'cpu')
    pose = pose_at(0)
    assert difference(rendered(both, pose), rendered(Scene(mesh, 'cpu'), pose)) < GREY_LEVELS
    there = rendered(both, at(pose, OFFSET))
    assert difference(there, rendered(Scene(small, 'cpu'), pose)) < GREY_LEVELS


def test_a_texture_of_two_meshes_is_kept_once(room):
    mesh = room.scene.mesh
    twice = joined([mesh, moved(mesh, OFFSET)])
    assert len(twice.textures) == len(mesh.textures)
    assert len(twice.faces) == 2 * len(mesh.faces)


def test_joined_meshes_are_written_as_one_file_with_several_materials(room, tmp_path):
    mesh = room.scene.mesh
    both = joined([mesh, moved(mesh, OFFSET)])
    write_obj(tmp_path / 'site.obj', both)
    read = load_mesh(tmp_path / 'site.obj')
    assert len(read.faces) == len(both.faces)
    assert len(read.textures) == len(both.textures)
    pose = at(pose_at(0), OFFSET)
    written, kept = (rendered(Scene(each, 'cpu'), pose) for each in (read, both))
    assert difference(written, kept) < GREY_LEVELS
