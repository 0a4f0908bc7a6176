"""How much effort an image is aligned with: little while all goes well."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.adam_aligner import AdamAligner
from mesh_reloc_ros.align.alignment import Aligner, Alignment
from mesh_reloc_ros.align.lm_aligner import LmAligner
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.quality import AlignmentQuality, quality_product
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

# A thorough alignment that agrees better by less than this factor was not worth its time.
_WORTHWHILE = 1.05
# Time to the next thorough alignment after one that was not; twice as long after each further one
# in a row, up to a limit.
_WAIT_S, _LONGEST_WAIT_S = 0.15, 0.6


class AlignmentScheduler:
    """Aligns images quickly, and thoroughly where that promises more."""

    def __init__(self, scene: Scene, settings: Settings) -> None:
        self._scene = scene
        self.change(settings)
        self.forget()

    def change(self, settings: Settings) -> None:
        """Align with other settings; what was rendered for the next image is lost."""
        self._aligner: Aligner = (
            AdamAligner(self._scene, settings.alignment, settings.adam)
            if settings.solver == 'adam'
            else LmAligner(self._scene, settings.alignment)
        )

    def forget(self) -> None:
        """Forget what was tried in vain."""
        self._tried_ns, self._wait_s = 0, 0.0

    def align(
        self,
        frame: Frame,
        map_T_camera: NDArray[np.float64],
        exposure: Tensor | None,
        *,
        wide: bool,
    ) -> Alignment:
        """Align an image from a pose [4, 4]; see `Aligner`."""
        return self._aligner.align(
            frame.image,
            frame.camera,
            torch.from_numpy(map_T_camera)[None],
            exposure,
            wide=wide,
            grey=bool(frame.is_grey),
        )

    def quick(
        self,
        frame: Frame,
        map_T_camera: NDArray[np.float64],
        exposure: Tensor | None,
    ) -> Alignment:
        """Align an image from a pose [4, 4] near to the right one."""
        return self.align(frame, map_T_camera, exposure, wide=False)

    def align_as_needed(
        self,
        frame: Frame,
        map_T_camera: NDArray[np.float64],
        exposure: Tensor | None,
        is_poor: Callable[[AlignmentQuality], bool],
    ) -> Alignment:
        """Align an image quickly, and thoroughly if the result is poor and it is time for that.

        :param map_T_camera: [4, 4], where to begin.
        """
        quick = self.quick(frame, map_T_camera, exposure)
        if not self._aligner.knows_wide:
            return quick
        if not is_poor(AlignmentQuality.of(quick)):
            self._wait_s = 0.0
            return quick
        if 0 <= frame.stamp_ns - self._tried_ns < self._wait_s * 1e9:
            return quick
        thorough = self.align(frame, map_T_camera, exposure, wide=True)
        if quality_product(thorough) > _WORTHWHILE * quality_product(quick):
            return thorough
        # The image itself is poor, as when somebody walks by: that is no use trying every time.
        self._tried_ns = frame.stamp_ns
        self._wait_s = min(max(2 * self._wait_s, _WAIT_S), _LONGEST_WAIT_S)
        return quick

    def look_ahead(self, camera: Camera, map_T_camera: NDArray[np.float64], *, grey: bool) -> None:
        """Render at a pose [4, 4] for the next image; see `Aligner`."""
        self._aligner.look_ahead(camera, torch.from_numpy(map_T_camera)[None], grey)
