"""Surface points of the small room as the tests of the solvers need them."""

import pytest
import torch
from support.small_room import CAMERA, SmallRoom, pose_at

from mesh_reloc_ros.align.pyramid import RenderLevel, render_pyramid


@pytest.fixture(scope='session')
def room_levels(room: SmallRoom) -> list[RenderLevel]:
    """Return four pyramid levels of three views of the room."""
    poses = torch.stack([torch.from_numpy(pose_at(step)) for step in (0.0, 1.0, 2.0)])
    render = room.scene.render(poses, CAMERA)
    return render_pyramid(render.colour, render.depth, CAMERA, 4)
