"""Faults of the camera: held or described wrongly, read out row by row, or elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.resize import resampled
from mesh_reloc_evaluation.stress.footage import Footage, Image, Part, Shown
from mesh_reloc_evaluation.stress.schedule import Change, Rng
from mesh_reloc_ros.types.frame import Frame

MakeChange = Callable[[Rng], Change]


def mirrored(axis: int) -> MakeChange:
    """Flip the image: axis 0 upside down, axis 1 left to right. No pose of it is right."""

    def change(footage: Footage, index: int, progress: float) -> Shown:
        frame = footage.frames[index]
        image = np.ascontiguousarray(np.flip(frame.image, axis))
        return Shown(replace(frame, image=image), None, Part.FAULT)

    return lambda rng: change


def rolled(quarters: int) -> MakeChange:
    """Turn the camera about its optical axis, so that its image turns counterclockwise by quarters.

    Frame, camera and true pose belong together: such a pose is right. At one or three quarters the
    image is the middle of what was filmed, as wide as that is high.
    """

    def change(footage: Footage, index: int, progress: float) -> Shown:
        frame, pose = footage.frames[index], footage.poses[index]
        width, height = frame.camera.width, frame.camera.height
        for _ in range(quarters):
            frame, pose = _rolled_once(frame), pose @ _QUARTER
        return Shown(resampled(frame, width, height), pose, Part.FAULT)

    return lambda rng: change


# The axes of the camera whose image is the old one turned counterclockwise, in the old camera: its
# x is the old y, its y the old -x.
_QUARTER = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def _rolled_once(frame: Frame) -> Frame:
    camera = frame.camera
    turned = replace(
        camera,
        width=camera.height,
        height=camera.width,
        fx=camera.fy,
        fy=camera.fx,
        cx=camera.cy,
        cy=camera.width - 1 - camera.cx,
    )
    return Frame(frame.stamp_ns, np.ascontiguousarray(np.rot90(frame.image)), turned)


def wrong_intrinsics(focal: float = 1.0, x: float = 0.0, y: float = 0.0) -> MakeChange:
    """Take the focal length times a factor, and move the centre by shares of the size."""

    def change(footage: Footage, index: int, progress: float) -> Shown:
        shown = footage.shown(index, Part.FAULT)
        camera = shown.frame.camera
        wrong = replace(
            camera,
            fx=camera.fx * focal,
            fy=camera.fy * focal,
            cx=camera.cx + x * camera.width,
            cy=camera.cy + y * camera.height,
        )
        return replace(shown, frame=replace(shown.frame, camera=wrong))

    return lambda rng: change


def rolling_shutter(readout: float) -> MakeChange:
    """Read each row a little later than the one above it, and the middle one at the stamp.

    :param readout: from the first row to the last, in times between two images. Rows are moved
        along the optical flow from one image to the next.
    """

    def change(footage: Footage, index: int, progress: float) -> Shown:
        shown = footage.shown(index, Part.FAULT)
        image = shown.frame.image
        earlier = min(index, len(footage) - 2)
        flow = _flow(footage.frames[earlier].image, footage.frames[earlier + 1].image)
        y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
        late = readout * (y / (image.shape[0] - 1) - 0.5)
        skewed = cv2.remap(
            image,
            x - late * flow[..., 0],
            y - late * flow[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return replace(shown, frame=replace(shown.frame, image=np.asarray(skewed)))

    return lambda rng: change


def _flow(first: Image, second: Image) -> NDArray[np.float32]:
    """Return the motion [H, W, 2] in pixels of the first image's points to the second."""
    greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second)]
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(finder.calc(*greys, None))


def elsewhere(*, changing: bool) -> MakeChange:
    """Show images of another place: a single one, or another each time."""

    def make(rng: Rng) -> Change:
        first = int(rng.integers(2**31))

        def change(footage: Footage, index: int, progress: float) -> Shown:
            number = first + index if changing else first
            image = footage.elsewhere[number % len(footage.elsewhere)]
            return Shown(replace(footage.frames[index], image=image), None, Part.FAULT)

        return change

    return make
