"""Textures are read several at once, in their order, and all of them or none."""

import numpy as np
import PIL.Image
import pytest

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.assemble import read_textures


@pytest.fixture
def names(tmp_path):
    found = [tmp_path / f'{number}.png' for number in range(30)]
    for number, name in enumerate(found):
        PIL.Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(name)
    return found


def test_textures_come_in_their_order_with_progress(tmp_path, names):
    said = []
    limit = PIL.Image.MAX_IMAGE_PIXELS
    pages = read_textures(tmp_path / 'mesh.obj', names, lambda *step: said.append(step))
    assert [int(page.max()) for page in pages] == list(range(30))
    assert said == [('reading textures', number / 30) for number in range(31)]
    assert limit == PIL.Image.MAX_IMAGE_PIXELS


def test_the_first_that_cannot_be_read_is_named(tmp_path, names):
    for number in (20, 25):
        names[number].write_bytes(b'broken')
    with pytest.raises(InputError, match=r'texture .*20\.png cannot be read'):
        read_textures(tmp_path / 'mesh.obj', names)


def test_reading_can_be_cancelled(tmp_path, names):
    def cancel(stage, done):
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_textures(tmp_path / 'mesh.obj', names, cancel)
