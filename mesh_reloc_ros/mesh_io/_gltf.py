"""What trimesh does not read of glTF files, or drops without a word: refused by name."""

from __future__ import annotations

import base64
import io
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import PIL.Image

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io._names import find_file, readings
from mesh_reloc_ros.mesh_io.images import (
    large_images_allowed,
    missing_texture,
    refuse_too_large,
)

_DRACO, _KTX2 = 'KHR_draco_mesh_compression', 'KHR_texture_basisu'
_REMEDIES = {
    _DRACO: 'without Draco compression, or install DracoPy',
    _KTX2: 'with PNG or JPEG instead of KTX2 textures',
    'EXT_meshopt_compression': 'without meshopt compression',
    'KHR_mesh_quantization': 'without quantization',
}
_READ = {'EXT_texture_webp', 'KHR_lights_punctual'}
_FLOAT = 5126


def check_gltf(path: Path) -> None:
    """Check a GLB or glTF file.

    :raises InputError: it needs what is not read, or a texture is missing.
    """
    try:
        header, chunk = _header(path)
        needed = list(header.get('extensionsRequired', []))
        if any(_is_compressed(primitive, header) for primitive in _primitives(header)):
            needed.append(_DRACO)
        textures = [
            texture for texture in map(_base_texture, header.get('materials', [])) if texture
        ]
        problems = [problem for texture in textures for problem in _texture_problems(texture)]
        problems += _accessor_problems(header)
        sources = [header['textures'][texture['index']] for texture in textures]
        needed += [_KTX2 for texture in sources if 'source' not in texture and _uses_ktx2(texture)]
        base = [texture['source'] for texture in sources if 'source' in texture]
        images = [_content(image, header, chunk, path) for image in header.get('images', [])]
    # Nothing in the header needs to be what it should be.
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise InputError(
            f'mesh {path} cannot be read: its glTF header is damaged ({type(error).__name__})'
        ) from error
    for extension in map(str, needed):
        is_read = extension in _READ or extension.startswith('KHR_materials_')
        if not is_read and not (extension == _DRACO and find_spec('DracoPy')):
            remedy = _REMEDIES.get(extension, 'without it')
            raise InputError(
                f'mesh {path} needs the glTF extension {extension}: export it {remedy}'
            )
    if problems:
        raise InputError(f'mesh {path} {problems[0]}')
    for number, image in enumerate(images):
        _check_image(image, number in base, path)


def _header(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return the JSON of a glTF file and nothing, or both chunks of a GLB file."""
    data, chunk = path.read_bytes(), b''
    if data.startswith(b'glTF'):
        end = 20 + int.from_bytes(data[12:16], 'little')
        data, chunk = data[20:end], data[end + 8 :]
    header = json.loads(data)
    if not isinstance(header, dict):
        raise TypeError
    return header, chunk


def _content(
    image: dict[str, Any], header: dict[str, Any], chunk: bytes, path: Path
) -> bytes | str:
    """Return the bytes of an image or buffer, or the name of a file that is missing."""
    if 'bufferView' in image:
        view = header['bufferViews'][image['bufferView']]
        buffer = header['buffers'][view['buffer']]
        data = _content(buffer, header, chunk, path) if 'uri' in buffer else chunk
        start = view.get('byteOffset', 0)
        return data if isinstance(data, str) else data[start : start + view['byteLength']]
    uri = str(image['uri'])
    if uri.startswith('data:'):
        return base64.b64decode(uri.partition('base64,')[2])
    names = readings(uri)
    file = find_file(names, [path.parent])
    return names[-1] if file is None else file.read_bytes()


def _check_image(image: bytes | str, is_used: bool, path: Path) -> None:
    """Check an image: trimesh decodes all, and drops those that it cannot read.

    :param image: its bytes, or the name of a file that is missing.
    """
    if isinstance(image, str):
        if is_used:
            raise missing_texture(image, path)
        return
    try:
        with large_images_allowed(), PIL.Image.open(io.BytesIO(image)) as opened:
            refuse_too_large(opened.size, len(image))
    except InputError as error:
        raise InputError(f'mesh {path}: a texture {error}') from error
    # Broken images make Pillow raise exceptions of many kinds.
    except Exception as error:
        if is_used:
            raise InputError(
                f'mesh {path}: a texture cannot be read: embed it as PNG or JPEG'
            ) from error


def _primitives(header: dict[str, Any]) -> list[dict[str, Any]]:
    return [primitive for mesh in header.get('meshes', []) for primitive in mesh['primitives']]


def _is_compressed(primitive: dict[str, Any], header: dict[str, Any]) -> bool:
    position = header['accessors'][primitive['attributes']['POSITION']]
    return 'bufferView' not in position and _DRACO in primitive.get('extensions', {})


def _base_texture(material: dict[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = material.get('pbrMetallicRoughness', {}).get('baseColorTexture')
    return found


def _texture_problems(texture: dict[str, Any]) -> list[str]:
    problems = []
    if texture.get('texCoord', 0) != 0:
        problems.append('has its texture on a second set of texture coordinates: use the first')
    if texture.get('extensions', {}).get('KHR_texture_transform'):
        problems.append('moves textures (KHR_texture_transform): export it without that')
    return problems


def _accessor_problems(header: dict[str, Any]) -> list[str]:
    problems = []
    accessors = header.get('accessors', [])
    for primitive in _primitives(header):
        attributes = primitive['attributes']
        numbers = [
            attributes.get('POSITION'),
            attributes.get('TEXCOORD_0'),
            primitive.get('indices'),
        ]
        used = [accessors[number] for number in numbers if number is not None]
        if any('sparse' in accessor for accessor in used):
            problems.append('has sparse accessors: export it without them')
        if any('bufferView' not in accessor for accessor in used) and not _is_compressed(
            primitive, header
        ):
            problems.append('has vertices without data: export it again')
        uv = attributes.get('TEXCOORD_0')
        if uv is not None and accessors[uv]['componentType'] != _FLOAT:
            problems.append('has texture coordinates as integers: export them as 32-bit floats')
    return problems


def _uses_ktx2(texture: dict[str, Any]) -> bool:
    return _KTX2 in texture.get('extensions', {})
