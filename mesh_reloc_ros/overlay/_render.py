"""Render the mesh for the overlay, with the exposure of the image."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch

from mesh_reloc_ros.overlay._exposure import matched
from mesh_reloc_ros.overlay.view import Image, Map, View

# Maximum number of pixels to render, for speed. Larger images are rendered smaller, but at no less
# than half their size.
_PIXELS = 90_000


def rendered(view: View) -> tuple[Map, Map, Image]:
    """Render the mesh for a view; large images are rendered at up to half their size.

    :returns: the render [h, w, 3], 0 to 255, with the exposure of the image and 0 outside the mesh;
        1 on the mesh and else 0, [h, w]; and the image resized to [h, w, 3].
    """
    camera, image = view.camera, view.image
    scale = max(math.sqrt(_PIXELS / (camera.width * camera.height)), 0.5)
    if scale < 1:
        camera = camera.resized(math.ceil(scale * camera.width), math.ceil(scale * camera.height))
        size = (camera.width, camera.height)
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    pose = torch.from_numpy(np.asarray(view.map_T_camera, np.float32))
    render = view.scene.render(pose, camera, grey=view.is_grey)
    covered = render.mask[0].cpu().numpy()
    colour = matched(255.0 * render.colour[0].cpu().numpy(), image, covered)
    return colour, covered.astype(np.float32), image
