"""Faults of the camera: mirrored, rolled, miscalibrated, rolling shutter, in another place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.out_of_map.patterns import Image
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from mesh_reloc_evaluation.resize import resized
from mesh_reloc_evaluation.stress.schedule import Change, Rng
from mesh_reloc_evaluation.stress.stress_image import Phase, StressImage, unchanged
from mesh_reloc_ros.types.frame import Frame

MakeChange = Callable[[Rng], Change]


def mirrored(axis: int) -> MakeChange:
    """Flip the image: axis 0 up-down, axis 1 left-right. Every pose is then wrong."""

    def change(sequence: PosedSequence, index: int, progress: float) -> StressImage:
        frame = sequence.frames[index]
        image = np.ascontiguousarray(np.flip(frame.image, axis))
        return StressImage(replace(frame, image=image), None, Phase.FAULT)

    return lambda rng: change


def rolled(quarters: int) -> MakeChange:
    """Roll the camera so that its image turns counterclockwise by quarter turns.

    The true pose and the camera roll with the image. At one or three quarters the image is cropped
    to its original size.
    """

    def change(sequence: PosedSequence, index: int, progress: float) -> StressImage:
        frame, pose = sequence.frames[index], sequence.poses[index]
        width, height = frame.camera.width, frame.camera.height
        for _ in range(quarters):
            frame, pose = _rolled_once(frame), pose @ _QUARTER
        return StressImage(resized(frame, width, height), pose, Phase.FAULT)

    return lambda rng: change


# Rotation from the frame of the rolled camera to that of the original one: the rolled x is the
# original y, the rolled y the original -x.
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
    odom_T_camera = frame.odom_T_camera
    return replace(
        frame,
        image=np.ascontiguousarray(np.rot90(frame.image)),
        camera=turned,
        odom_T_camera=None if odom_T_camera is None else odom_T_camera @ _QUARTER,
    )


def wrong_intrinsics(focal: float = 1.0, x: float = 0.0, y: float = 0.0) -> MakeChange:
    """Scale the focal lengths by a factor, and shift the principal point by shares of the size."""

    def change(sequence: PosedSequence, index: int, progress: float) -> StressImage:
        shown = unchanged(sequence, index, Phase.FAULT)
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
    """Simulate a rolling shutter: each row is read later than the one above it.

    The middle row is read at the stamp. Rows move along the optical flow to the next image.

    :param readout: time from the first row to the last, in periods of the camera.
    """

    def change(sequence: PosedSequence, index: int, progress: float) -> StressImage:
        shown = unchanged(sequence, index, Phase.FAULT)
        image = shown.frame.image
        earlier = min(index, len(sequence) - 2)
        flow = _flow(sequence.frames[earlier].image, sequence.frames[earlier + 1].image)
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
    """Return the optical flow [H, W, 2] in pixels from the first image to the second."""
    greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second)]
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(finder.calc(*greys, None))


def elsewhere(images: Sequence[Image], *, changing: bool) -> MakeChange:
    """Show images of another place.

    :param images: of the camera's size. :param changing: whether each image differs from the last.
    """

    def make(rng: Rng) -> Change:
        first = int(rng.integers(2**31))

        def change(sequence: PosedSequence, index: int, progress: float) -> StressImage:
            number = first + index if changing else first
            image = images[number % len(images)]
            return StressImage(replace(sequence.frames[index], image=image), None, Phase.FAULT)

        return change

    return make
