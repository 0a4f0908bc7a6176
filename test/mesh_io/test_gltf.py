"""GLB and glTF files: parts, colours, files beside them; what is not read is refused by name."""

import json
import re
import struct
import zlib

import numpy as np
import PIL.Image
import PIL.ImageFile
import pytest
import trimesh
from support.obj_files import TEXTURE, save

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io._trimesh_formats import read_by_trimesh
from mesh_reloc_ros.mesh_io.load import load_mesh

VERTICES = np.array(((0, 0, 0), (1, 0, 0), (1.0013, 1, 0), (0, 1, 0)), dtype=np.float64)
UVS = np.array(((0, 0), (1, 0), (1, 1), (0, 1)))
FACES = np.array(((0, 1, 2), (0, 2, 3)))


def quad(visual=None, offset=(0, 0, 0)) -> trimesh.Trimesh:
    if visual is None:
        material = trimesh.visual.material.PBRMaterial(
            baseColorTexture=PIL.Image.fromarray(TEXTURE)
        )
        visual = trimesh.visual.TextureVisuals(uv=UVS, material=material)
    return trimesh.Trimesh(VERTICES + offset, FACES, visual=visual, process=False)


def write(folder, *parts, name='mesh.glb'):
    trimesh.Scene(parts or (quad(),)).export(folder / name)
    return folder / name


def write_gltf(folder, change=lambda header: None):
    """Write a glTF file with its buffer and its texture in files of their own."""
    files = trimesh.exchange.gltf.export_gltf(trimesh.Scene(quad()), merge_buffers=True)
    for name, content in files.items():
        if name != 'model.gltf':
            (folder / name).write_bytes(content)
    header = json.loads(files['model.gltf'])
    save(folder / 'my mesh.png', TEXTURE)
    header['images'] = [{'uri': 'my%20mesh.png'}]
    change(header)
    (folder / 'mesh.gltf').write_text(json.dumps(header))
    return folder / 'mesh.gltf'


def test_a_part_without_texture_only_hides(tmp_path):
    plain = trimesh.visual.TextureVisuals(
        material=trimesh.visual.material.PBRMaterial(baseColorFactor=(255, 0, 0, 255))
    )
    coloured = trimesh.visual.ColorVisuals(vertex_colors=np.full((4, 4), 9, np.uint8))
    mesh = load_mesh(write(tmp_path, quad(), quad(plain, (2, 0, 0)), quad(coloured, (4, 0, 0))))
    assert len(mesh.faces) == 6
    assert mesh.is_plain.sum() == 4
    middles = mesh.vertices[mesh.faces[~mesh.is_plain]].mean((0, 1))
    assert middles[0] < 1
    assert any('4 of 6 faces' in notice for notice in mesh.notices)


def test_the_axis_that_points_up_is_said(tmp_path):
    assert any('up_axis' in notice for notice in load_mesh(write(tmp_path)).notices)


def test_parts_that_share_a_texture_hold_it_once(tmp_path):
    mesh = load_mesh(write(tmp_path, quad(), quad(offset=(2, 0, 0))))
    assert len(mesh.faces) == 4
    np.testing.assert_array_equal(mesh.textures, [TEXTURE])


def test_colours_of_vertices_become_the_texture(tmp_path):
    colours = np.array([(255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255), (9, 9, 9, 255)])
    visual = trimesh.visual.ColorVisuals(vertex_colors=colours.astype(np.uint8))
    mesh = load_mesh(write(tmp_path, quad(visual)))
    assert {tuple(texel) for texel in colours[:, :3].tolist()} <= {
        tuple(texel) for texel in mesh.textures[0].reshape(-1, 3).tolist()
    }


def test_files_beside_a_gltf_file_are_found(tmp_path):
    mesh = load_mesh(write_gltf(tmp_path))
    np.testing.assert_array_equal(mesh.textures[0], TEXTURE)
    (tmp_path / 'my mesh.png').rename(tmp_path / 'My Mesh.PNG')
    np.testing.assert_array_equal(load_mesh(tmp_path / 'mesh.gltf').textures[0], TEXTURE)


def test_a_part_far_from_zero_keeps_its_shape(tmp_path):
    """Its vertices are 32-bit numbers, but the transform of its node is not."""
    far = np.eye(4)
    far[:3, 3] = 500_123, 4_649_776, 312
    scene = trimesh.Scene()
    scene.add_geometry(quad(), transform=far)
    scene.export(tmp_path / 'mesh.glb')
    mesh = load_mesh(tmp_path / 'mesh.glb')
    np.testing.assert_allclose(
        mesh.vertices.astype(np.float64) + mesh.origin, VERTICES + far[:3, 3], atol=1e-6
    )


def test_an_image_that_would_fill_the_memory_is_refused(tmp_path):
    path = write(tmp_path)
    content = path.read_bytes()
    start = content.index(b'\x89PNG')
    size, bomb = struct.pack('>II', 60_000, 60_000), bytearray(content[start : start + 33])
    bomb[16:24] = size
    bomb[29:33] = struct.pack('>I', zlib.crc32(bomb[12:29]))
    path.write_bytes(content.replace(content[start : start + 33], bytes(bomb)))
    with pytest.raises(InputError, match='60000 x 60000'):
        load_mesh(path)


def change_texture(**values):
    def change(header):
        header['materials'][0]['pbrMetallicRoughness']['baseColorTexture'].update(values)

    return change


def uv_accessor(header):
    return header['accessors'][header['meshes'][0]['primitives'][0]['attributes']['TEXCOORD_0']]


def position_accessor(header):
    return header['accessors'][header['meshes'][0]['primitives'][0]['attributes']['POSITION']]


def index_accessor(header):
    return header['accessors'][header['meshes'][0]['primitives'][0]['indices']]


REFUSED = {
    'KTX2': (
        lambda header: header['textures'][0].update(
            extensions={'KHR_texture_basisu': {'source': header['textures'][0].pop('source')}}
        ),
        'KTX2',
    ),
    'meshopt': (
        lambda header: header.update(extensionsRequired=['EXT_meshopt_compression']),
        'EXT_meshopt_compression',
    ),
    'texture missing': (lambda header: header['images'][0].update(uri='gone.png'), r'gone\.png'),
    'second texture coordinates': (change_texture(texCoord=1), 'second set'),
    'moved texture': (
        change_texture(extensions={'KHR_texture_transform': {'scale': [2, 2]}}),
        'KHR_texture_transform',
    ),
    'integers': (lambda header: uv_accessor(header).update(componentType=5123), 'integers'),
    'sparse': (lambda header: uv_accessor(header).update(sparse={'count': 1}), 'sparse'),
    'no data': (lambda header: uv_accessor(header).pop('bufferView'), 'without data'),
    'no data for a face': (lambda header: index_accessor(header).pop('bufferView'), 'without data'),
    'vertex beyond': (lambda header: position_accessor(header).update(count=3), 'does not exist'),
    'damaged': (lambda header: header.update(meshes=[{}]), 'damaged'),
    'buffer missing': (lambda header: header['buffers'][0].update(uri='gone.bin'), r'gone\.bin'),
}


@pytest.mark.parametrize('case', REFUSED)
def test_what_is_not_read_is_refused_by_name(tmp_path, case):
    change, words = REFUSED[case]
    with pytest.raises(InputError, match=words):
        load_mesh(write_gltf(tmp_path, change))


def test_draco_is_refused_by_name_without_its_library(tmp_path, monkeypatch):
    def compress(header):
        primitive = header['meshes'][0]['primitives'][0]
        primitive['extensions'] = {'KHR_draco_mesh_compression': {'bufferView': 0}}
        for number in primitive['attributes'].values():
            header['accessors'][number].pop('bufferView')

    monkeypatch.setattr('mesh_reloc_ros.mesh_io._gltf.find_spec', lambda name: None)
    with pytest.raises(InputError, match=r'KHR_draco_mesh_compression.*DracoPy'):
        load_mesh(write_gltf(tmp_path, compress))


@pytest.mark.parametrize('content', [b'', b'glTF', b'glTF' + bytes(30), b'{}', b'[]', b'{'])
def test_what_is_no_gltf_file_is_refused(tmp_path, content):
    for name in ('a.glb', 'a.gltf'):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=re.escape(name)):
            load_mesh(tmp_path / name)


def test_a_broken_texture_is_not_dropped(tmp_path):
    """Beside a good one, too."""
    path = write_gltf(tmp_path)
    (tmp_path / 'my mesh.png').write_bytes(b'no image')
    with pytest.raises(InputError, match='texture cannot be read'):
        load_mesh(path)


def test_a_part_that_is_placed_twice_is_there_twice_and_a_mirror_turns_its_faces(tmp_path):
    mirror = np.diag((-1.0, 1, 1, 1))
    mirror[:3, 3] = 5, 0, 2
    scene = trimesh.Scene()
    scene.add_geometry(quad(), geom_name='quad', node_name='first')
    scene.graph.update('second', geometry='quad', matrix=mirror)
    scene.export(tmp_path / 'mesh.glb')
    mesh = load_mesh(tmp_path / 'mesh.glb')
    corners = mesh.vertices[mesh.faces]
    placed = [VERTICES, VERTICES * (-1, 1, 1) + (5, 0, 2)]
    assert len(corners) == 4
    for point in np.concatenate(placed):
        assert np.abs(corners - point).max(-1).min() < 1e-6
    # Both show the same side.
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normals[:, 2] > 0).all()


def test_images_are_decoded_once_and_not_while_the_file_is_read(tmp_path, monkeypatch):
    path = write(tmp_path, quad(), quad(offset=(2, 0, 0)))
    loads = []
    load = PIL.ImageFile.ImageFile.load
    monkeypatch.setattr(
        PIL.ImageFile.ImageFile, 'load', lambda image: (loads.append(image), load(image))[1]
    )
    content = read_by_trimesh(path)
    assert loads == []
    assert all(isinstance(texture, bytes) for texture in content.textures)
    np.testing.assert_array_equal(load_mesh(path).textures, [TEXTURE])
    assert len({id(image) for image in loads}) == 1
