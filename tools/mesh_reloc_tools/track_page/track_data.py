"""A trajectory as data of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.estimate import PoseEstimate, State
from mesh_reloc_tools.page.camera_data import way_data

# Of longer recordings only some images are shown, so that the page stays small.
_MOST = 20_000

STATE_COLOURS = {
    State.INITIALIZING: '#6e6e7a',
    State.TRACKING: '#2b9a66',
    State.UNSURE: '#f0a020',
    State.LOST: '#c2363b',
}


def track_data(estimates: Sequence[PoseEstimate], origin: Array) -> dict[str, Any]:
    """Return columns with a value for each image, as `assets/main.js` reads them.

    :param origin: of the mesh, [3].
    """
    begin_ns = estimates[0].stamp_ns
    some = estimates[:: -(-len(estimates) // _MOST)]
    trusted = np.array([e.trusted for e in some])
    joined = trusted & np.concatenate(([False], trusted[:-1]))
    poses = [e.map_T_camera if e.is_located else None for e in some]
    return {
        **way_data(poses, joined, trusted, origin),
        'seconds': [round((e.stamp_ns - begin_ns) * 1e-9, 4) for e in some],
        'states': [e.state.value for e in some],
        'reasons': [e.reason for e in some],
        'score': [round(e.score, 4) for e in some],
        'ms': [round(e.stages_ms['total'], 2) for e in some],
        'state_colours': {state.value: colour for state, colour in STATE_COLOURS.items()},
    }
