"""Images whose rows are read one after the other."""

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.se3 import exp
from support.small_room import SmallRoom

_BAND_ROWS = 12


def read_row_by_row(
    room: SmallRoom, map_T_camera: NDArray[np.float64], motion: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return an image [240, 320, 3] whose middle row is read at a pose [4, 4].

    :param motion: twist [6] of the camera from the first row to the last.
    """
    bands = []
    for top in range(0, 240, _BAND_ROWS):
        late = (top + 0.5 * _BAND_ROWS) / 240 - 0.5
        view = room.view(map_T_camera @ exp(late * motion))
        bands.append(view[top : top + _BAND_ROWS])
    return np.concatenate(bands)
