"""The film: images of the room from a hand-held camera, with blur, noise and exposure drift."""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_evaluation.painted_room.flight import FLIGHT_SECONDS, Flight
from mesh_reloc_evaluation.painted_room.paint.canvas import Array, rgb
from mesh_reloc_evaluation.painted_room.passerby import composited
from mesh_reloc_ros.progress import progress_bar
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

BEGIN_NS = 1_700_000_000_000_000_000
# Number of images. A process takes seconds to start, as long as dozens of images.
_LONG = 50


@dataclass(frozen=True)
class FilmSettings:
    """Settings of the camera and the film."""

    seconds: float = FLIGHT_SECONDS
    images_per_second: float = 15.0
    width: int = 640
    height: int = 480
    exposure_s: float = 0.012
    renders: int = 3
    """Number of renders that are averaged for one image."""
    jpeg_quality: int = 90
    texture_scale: float = 1.0
    """Resolution of the room's textures, relative to the usual one."""

    @property
    def camera(self) -> Camera:
        """The rectified camera; its principal point is off the centre, as in real cameras."""
        focal = 0.82 * self.width
        cx, cy = 0.506 * self.width - 0.5, 0.491 * self.height - 0.5
        return Camera(self.width, self.height, focal, focal, cx, cy)

    @property
    def times(self) -> NDArray[np.float64]:
        """Middle of each exposure, seconds."""
        return np.arange(int(self.seconds * self.images_per_second)) / self.images_per_second


@dataclass(frozen=True)
class FilmImage:
    """One image of the film."""

    stamp_ns: int
    jpeg: bytes
    map_T_camera: NDArray[np.float64]
    """[4, 4], true pose at the stamp."""
    covered: float
    """Share of the image that the passer-by covers."""


class FilmCamera:
    """Takes the images of the film."""

    def __init__(self, mesh: Path, settings: FilmSettings) -> None:
        """Load the mesh.

        :raises InputError: as `Scene.load`.
        """
        # Embree gives the same film with and without a GPU.
        self._scene = Scene.load(mesh, device='cpu', rasterizer='embree')
        self._settings = settings
        self._flight = Flight()

    def take(self, number: int) -> FilmImage:
        """Take an image: with motion blur, exposure and white balance, noise, compression."""
        settings = self._settings
        seconds = float(settings.times[number])
        image, covered = self._exposed(seconds)
        rng = np.random.default_rng((3, number))
        image = image * _gains(seconds) * _vignette(settings)[..., None]
        deviation = 0.005 + 0.012 * np.sqrt(np.clip(image, 0, 1))
        image = image + deviation * rng.normal(size=image.shape)
        eight_bit = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
        quality = [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality]
        _, jpeg = cv2.imencode('.jpg', cv2.cvtColor(eight_bit, cv2.COLOR_RGB2BGR), quality)
        stamp_ns = BEGIN_NS + round(seconds * 1e9)
        return FilmImage(
            stamp_ns, jpeg.tobytes(), self._flight.pose(seconds), float(covered.mean())
        )

    def _exposed(self, seconds: float) -> tuple[Array, Array]:
        """Return the mean image [H, W, 3] over the exposure, and how far it is covered [H, W]."""
        settings, camera = self._settings, self._settings.camera
        count = settings.renders
        image = np.zeros((settings.height, settings.width, 3), dtype=np.float32)
        covered = np.zeros((settings.height, settings.width), dtype=np.float32)
        for number in range(count):
            # Each render samples another part of the pixel, which smooths edges at no cost.
            shift_x, shift_y = (number + 0.5) / count - 0.5, (number * 0.618 + 0.5) % 1 - 0.5
            shifted = replace(camera, cx=camera.cx + shift_x, cy=camera.cy + shift_y)
            moment = seconds + ((number + 0.5) / count - 0.5) * settings.exposure_s
            pose = self._flight.pose(moment)
            render = self._scene.render(torch.from_numpy(pose), shifted)
            colour, depth = render.colour[0].numpy(), render.depth[0].numpy()
            part, hidden = composited(colour, depth, pose, shifted, moment)
            image += part / count
            covered += hidden / count
        return image, covered


def _gains(seconds: float) -> Array:
    """Return exposure and white balance, which drift, as a factor per channel [3]."""
    exposure = 0.16 * math.sin(2 * math.pi * seconds / 6.3 + 0.4) - 0.06 * math.sin(2.9 * seconds)
    warmth = 0.05 * math.sin(2 * math.pi * seconds / 8.7)
    return np.exp(rgb((exposure + warmth, exposure, exposure - warmth)))


def _vignette(settings: FilmSettings) -> Array:
    y, x = np.mgrid[: settings.height, : settings.width].astype(np.float32)
    camera = settings.camera
    squared = ((x - camera.cx) / camera.fx) ** 2 + ((y - camera.cy) / camera.fy) ** 2
    return np.asarray(1 / (1 + squared) ** 0.35, dtype=np.float32)


_film_camera: FilmCamera


def _start_worker(mesh: Path, settings: FilmSettings) -> None:
    global _film_camera
    # There is a worker per core: more threads in each would compete for them.
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    _film_camera = FilmCamera(mesh, settings)


def _take(number: int) -> FilmImage:
    return _film_camera.take(number)


def shoot(mesh: Path, settings: FilmSettings, workers: int | None = None) -> Iterator[FilmImage]:
    """Film the flight through the mesh; yield its images in order.

    :param workers: number of processes; 0: only this one. By default all cores for a long film,
        and this process for a short one.
    """
    numbers = range(len(settings.times))
    if workers is None:
        workers = min(os.cpu_count() or 1, 8) if len(numbers) >= _LONG else 0
    yield from progress_bar(
        _taken(mesh, settings, workers), 'filming', sys.stdout, total=len(numbers)
    )


def _taken(mesh: Path, settings: FilmSettings, workers: int) -> Iterator[FilmImage]:
    numbers = range(len(settings.times))
    if workers == 0:
        yield from map(FilmCamera(mesh, settings).take, numbers)
        return
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(mesh, settings)
    ) as pool:
        yield from pool.map(_take, numbers)
