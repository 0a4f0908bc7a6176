"""Small meshes and bags, and random changes to them: seeded, so that each can be made again."""

import io
import os
import re
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import trimesh
from mesh_reloc_evaluation.bag_writer import camera_info, compressed, pose, raw, write_bag
from rosbags.rosbag2 import StoragePlugin

from mesh_reloc_ros.types.camera import Camera
from support.obj_files import MTL, OBJ, TEXTURE

PER_KIND = int(os.environ.get('DAMAGED', '40'))
"""Damaged files of each kind; more take longer, and find more."""
_WORDS = (
    b'', b'0', b'-1', b'nan', b'inf', b'-inf', b'1e308', b'-1e-308', b'1e400', b'1,5', b'\0',
    b'99999999999', b'-99999999999', b'4294967295', b'2147483648', b'65536', b'"', b'\\', b'/',
    b'..', b'\n', b'\r', b'\xff\xfe', b'\xef\xbb\xbf', b'\xff', b'\xc3\xa4', b'#', b' ', b'-s',
    b'<UDIM>', b'1001', b'list', b'uchar', b'double', b'null', b'[]', b'{}', b'true', b'x' * 300,
    b'mesh.png', b'f 1 2 3', b'f 1/1 2/2 3/3', b'usemtl z', b'mtllib', b'vt', b'v 1 2 3 4 5 6',
)  # fmt: skip
_NUMBER = re.compile(rb'-?\d+(\.\d+)?')


def seeds() -> dict[str, dict[str, bytes]]:
    """Return the files of some meshes, by the name of the file to load."""
    texture = io.BytesIO()
    PIL.Image.fromarray(TEXTURE).save(texture, 'PNG')
    image = {'mesh.png': texture.getvalue()}
    obj = {'mesh.obj': OBJ.encode(), 'mesh.mtl': MTL.encode(), **image}
    rich = OBJ.replace('v 0 0 0', 'v 0 0 0 1 0 0').replace('usemtl m', 'usemtl "m" # wall')
    tiles = {
        'mesh.obj': rich.replace('vt 1 1', 'vt 2 1').encode(),
        'mesh.mtl': b'newmtl m\nKd 1 1 1\nmap_Kd -s 1 1 1 t.<UDIM>.png # tiles\n',
        't.1001.png': image['mesh.png'],
        't.1002.png': image['mesh.png'],
    }
    far = {**obj, 'mesh.obj': re.sub(r'v (\d)', r'v 50012\1', OBJ).encode()}
    return {
        'obj': obj,
        'tiles': tiles,
        'far': far,
        'ascii': {'mesh.ply': _ply('ascii'), **image},
        'binary': {'mesh.ply': _ply('binary_little_endian'), **image},
        'coloured': {'mesh.ply': _coloured()},
        'glb': {'mesh.glb': _glb('glb')},
        'gltf': {'mesh.gltf': _glb('gltf'), **image},
    }


def bag_seeds(folder: Path) -> dict[str, dict[str, bytes]]:
    """Return the files of some bags, each with three images; made in an empty folder."""
    messages = list(_messages())
    for name, storage in (('mcap', StoragePlugin.MCAP), ('sqlite', StoragePlugin.SQLITE3)):
        write_bag(folder / name, messages, storage)
    found = {
        name: {path.name: path.read_bytes() for path in sorted((folder / name).iterdir())}
        for name in ('mcap', 'sqlite')
    }
    return {**found, 'single': {'mcap.mcap': found['mcap']['mcap.mcap']}}


def _messages():
    camera = Camera(32, 24, 30.0, 30.0, 15.5, 11.5)
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    file = cv2.imencode('.png', image)[1].tobytes()
    for stamp in (10**9, 2 * 10**9, 3 * 10**9):
        yield '/camera_info', stamp, camera_info(camera, stamp)
        yield '/image', stamp, raw(image, stamp)
        yield '/compressed', stamp, compressed(file, stamp)
        yield '/pose', stamp, pose(np.eye(4), stamp)


def mutated(files: dict[str, bytes], rng: np.random.Generator) -> dict[str, bytes]:
    """Return the files with one of them changed in a few places."""
    changed = dict(files)
    name = str(rng.choice(list(files)))
    for _ in range(rng.integers(1, 3)):
        changed[name] = _changed(changed[name], rng)
    return changed


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """Write the files, and return the first."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / next(iter(files))


def _changed(data: bytes, rng: np.random.Generator) -> bytes:
    if not data:
        return data
    at, length = int(rng.integers(len(data))), int(rng.integers(1, 40))
    word = _WORDS[rng.integers(len(_WORDS))]
    match rng.integers(8):
        case 0:
            return data[:at] + bytes([rng.integers(256)]) + data[at + 1 :]
        case 1:
            return data[:at] + word + data[at:]
        case 2:
            return data[:at] + data[at + length :]
        case 3:
            return data[:at] + data[at : at + length] * int(rng.integers(2, 200)) + data[at:]
        case 4:
            return data[:at]
        case 5:
            return data[:at] + rng.bytes(length) + data[at + length :]
        case 6:
            lines = data.split(b'\n')
            first, second = rng.integers(len(lines), size=2)
            lines[first], lines[second] = lines[second], lines[first]
            return b'\n'.join(lines)
    numbers = list(_NUMBER.finditer(data))
    if not numbers:
        return data
    chosen = numbers[rng.integers(len(numbers))]
    return data[: chosen.start()] + word + data[chosen.end() :]


def _quad() -> trimesh.Trimesh:
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=PIL.Image.fromarray(TEXTURE))
    uvs = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    return trimesh.Trimesh(
        [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)],
        [(0, 1, 2), (0, 2, 3)],
        visual=trimesh.visual.TextureVisuals(uv=uvs, material=material),
        process=False,
    )


def _ply(layout: str) -> bytes:
    content: bytes = _quad().export(file_type='ply', encoding=layout)
    return content.replace(b'element vertex', b'comment TextureFile mesh.png\nelement vertex')


def _coloured() -> bytes:
    quad = _quad()
    quad.visual = trimesh.visual.ColorVisuals(
        vertex_colors=np.array([(255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 9, 255), (9, 9, 9, 255)])
    )
    content: bytes = quad.export(file_type='ply', encoding='ascii')
    return content


def _glb(kind: str) -> bytes:
    scene = trimesh.Scene(_quad())
    if kind == 'glb':
        content: bytes = scene.export(file_type='glb')
        return content
    found: bytes = trimesh.exchange.gltf.export_gltf(scene, embed_buffers=True)['model.gltf']
    return found
