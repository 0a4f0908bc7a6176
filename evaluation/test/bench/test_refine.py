"""Finer meshes: as many faces as asked for, the same surface and texture, without gaps."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mesh_reloc_evaluation.bench.refine import refined
from mesh_reloc_evaluation.obj_file import write_obj
from support.meshes import clutter
from support.small_room import CAMERA, pose_at

from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.render.scene import Scene


def area(mesh) -> float:
    a, b, c = mesh.vertices[mesh.faces].transpose(1, 0, 2).astype(np.float64)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def open_edges(mesh) -> int:
    """Return how many edges, between places, belong to one face only."""
    place = np.unique(mesh.vertices, axis=0, return_inverse=True)[1].reshape(-1)
    corners = place[mesh.faces]
    edges = np.concatenate([corners[:, [i, (i + 1) % 3]] for i in range(3)])
    counts = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)[1]
    assert counts.max() <= 2
    return int((counts == 1).sum())


@pytest.mark.parametrize('faces', [2000, 3333, 30_000])
def test_there_are_as_many_faces_as_asked_for_on_the_same_surface(faces):
    mesh = clutter()
    finer = refined(mesh, faces)
    assert faces <= len(finer.faces) <= faces + 1
    assert len(finer.face_materials) == len(finer.faces)
    assert area(finer) == pytest.approx(area(mesh), rel=0.01)
    corners = finer.vertices[finer.faces].astype(np.float64)
    doubled = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    assert doubled.min() > 0


def test_no_gaps_open_where_textures_meet():
    mesh = clutter()
    # The ball and the box are closed. Triangles share no corners, as on seams.
    faces = mesh.faces[mesh.face_materials < 2]
    closed = replace(
        mesh,
        vertices=mesh.vertices[faces].reshape(-1, 3),
        uvs=mesh.uvs[faces].reshape(-1, 2),
        faces=np.arange(faces.size, dtype=np.int32).reshape(-1, 3),
        face_materials=mesh.face_materials[mesh.face_materials < 2],
    )
    assert open_edges(closed) == 0
    for count in (2000, 2001, 5000):
        assert open_edges(refined(closed, count)) == 0


def test_triangles_are_no_longer_in_one_plane_but_nearly(room):
    finer = refined(room.scene.mesh, 3000)
    floor = finer.vertices[np.unique(finer.faces[finer.face_materials == 0])]
    heights = floor[:, 2]
    assert 1e-4 < heights.std() < 0.01


def test_a_finer_mesh_looks_the_same_after_it_was_written_and_read(room, tmp_path):
    finer = refined(room.scene.mesh, 3000)
    write_obj(tmp_path / 'finer.obj', finer)
    read = load_mesh(tmp_path / 'finer.obj')
    assert len(read.faces) == len(finer.faces)
    assert len(read.textures) == 6
    pose = torch.from_numpy(pose_at(0))
    before = room.scene.render(pose, CAMERA)
    after = Scene(read, 'cpu').render(pose, CAMERA)
    # Not even a ray gets through.
    assert int((before.mask & ~after.mask).sum()) <= 2
    assert float((before.colour - after.colour).abs().median()) < 0.005
