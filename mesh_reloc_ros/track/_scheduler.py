"""Fast alignment by default, and a coarse-to-fine retry if its quality is low."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mesh_reloc_ros.align.alignment import Alignment, AlignMode, Disturbance
from mesh_reloc_ros.align.coarse_to_fine import tracking_keyframe
from mesh_reloc_ros.align.disturbed import align_disturbed
from mesh_reloc_ros.align.focus import FAR_MARGIN, NEAR_MARGIN, focus, focused_camera
from mesh_reloc_ros.align.keyframe import Keyframe
from mesh_reloc_ros.align.overexposure import is_mostly_clipped
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.align.solver import align, uses_keyframes
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.stopwatch import stage
from mesh_reloc_ros.track.quality import AlignmentQuality
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.pose import rounded

# Tracking waits for a new render only after this many times the motion that `render_ahead` allows.
_STRETCH = 2
# The points of a keyframe, and so the poses, depend on where exactly it is rendered: tracks that
# begin nearly alike would soon differ. So keyframes are rendered from poses of a grid. Its cells
# have this share of the motion that needs a new keyframe.
_CELL = 0.25
# A retry is useful if it improves the agreement, of 0 to 1, by more than this. Of images that show
# something else, both agree by 0.01.
_USEFUL = 0.03
# Time from a retry that was not useful to the next; it doubles each time, up to a limit.
_WAIT_S, _LONGEST_WAIT_S = 0.15, 0.6


class KeyframeCache:
    """The last keyframe. Safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entry: tuple[Keyframe, AlignmentSettings] | None = None

    def put(self, keyframe: Keyframe, settings: AlignmentSettings) -> None:
        """Replace the keyframe.

        :param settings: that it was rendered for.
        """
        with self._lock:
            self._entry = keyframe, settings

    def near(
        self,
        map_T_camera: Tensor,
        camera: Camera,
        settings: AlignmentSettings,
        *,
        grey: bool,
        max_motion: float,
    ) -> Keyframe | None:
        """Return the keyframe if it fits the arguments, or None.

        :param map_T_camera: [1, 4, 4], where the camera is expected.
        :param max_motion: largest motion of the image since, as a share of its span.
        """
        with self._lock:
            entry = self._entry
        if entry is None or entry[1] != settings:
            return None
        keyframe = entry[0]
        if (keyframe.camera, keyframe.is_grey) != (camera, grey):
            return None
        return None if keyframe.motion_since(map_T_camera) > max_motion else keyframe


class AlignmentScheduler:
    """Aligns the images of one track. `render_ahead` may run beside all else on another thread."""

    def __init__(self, scene: Scene, *, expected: Disturbance | None = None) -> None:
        """Make a scheduler.

        :param expected: see the attribute.
        """
        self._scene = scene
        self._keyframes = KeyframeCache()
        self._retried_ns, self._wait_s = 0, 0.0
        self.expected = expected
        """What the next image is expected to show."""

    def align(
        self,
        frame: Frame,
        map_T_camera: Array,
        exposure: Tensor | None,
        settings: Settings,
        mode: AlignMode = AlignMode.TRACK,
    ) -> Alignment:
        """Align an image from a pose [4, 4], with the cached keyframe if it is near."""
        start, grey = torch.from_numpy(map_T_camera)[None], bool(frame.is_grey)
        margin = NEAR_MARGIN if mode is AlignMode.TRACK else FAR_MARGIN
        with stage('pyramid'):
            frame = focus(self._scene, frame, map_T_camera, margin)
            pyramid = image_pyramid(frame.image, frame.camera)
        cached = None
        if mode is AlignMode.TRACK:
            max_motion = _STRETCH * settings.alignment.keyframe_motion
            cached = self._keyframes.near(
                start, frame.camera, settings.alignment, grey=grey, max_motion=max_motion
            )
        alignment = None
        expected = Disturbance.OVEREXPOSURE if is_mostly_clipped(frame.image) else self.expected
        if mode is AlignMode.TRACK and uses_keyframes(settings) and expected is not None:
            alignment = align_disturbed(
                self._scene,
                pyramid,
                start,
                exposure,
                settings.alignment,
                expected,
                grey=grey,
                keyframe=cached,
            )
        if alignment is None:
            alignment = align(
                self._scene, pyramid, start, exposure, settings, mode, grey=grey, keyframe=cached
            )
        keyframe = alignment.keyframe
        if keyframe is not None and keyframe is not cached and not keyframe.is_clipped:
            self._keyframes.put(keyframe, settings.alignment)
        return alignment

    def align_with_retry(
        self,
        frame: Frame,
        map_T_camera: Array,
        exposure: Tensor | None,
        settings: Settings,
        is_poor: Callable[[AlignmentQuality], bool],
    ) -> Alignment:
        """Align an image fast; if the result is poor and a retry is due, also in other ways.

        With what may disturb taken into account, and if that is poor as well, coarse to fine.

        :param map_T_camera: [4, 4], where to start.
        """
        fast = self.align(frame, map_T_camera, exposure, settings)
        if not uses_keyframes(settings):
            return fast
        if not is_poor(AlignmentQuality.of(fast)):
            self._wait_s = 0.0
            return fast
        if 0 <= frame.stamp_ns - self._retried_ns < self._wait_s * 1e9:
            return fast
        retried = self._undisturbed(fast, frame, map_T_camera, exposure, settings, is_poor)
        if is_poor(AlignmentQuality.of(retried)):
            coarse = self.align(frame, map_T_camera, exposure, settings, AlignMode.COARSE)
            coarse = self._undisturbed(coarse, frame, coarse.pose, exposure, settings, is_poor)
            retried = _better(retried, coarse)
        if retried is not fast:
            return retried
        # The image itself is poor, as when a person walks by: retries cost time and do not help.
        self._retried_ns = frame.stamp_ns
        self._wait_s = min(max(2 * self._wait_s, _WAIT_S), _LONGEST_WAIT_S)
        return fast

    def _undisturbed(
        self,
        alignment: Alignment,
        frame: Frame,
        map_T_camera: Array,
        exposure: Tensor | None,
        settings: Settings,
        is_poor: Callable[[AlignmentQuality], bool],
    ) -> Alignment:
        """Align an image with each disturbance taken into account, if it is poor.

        :returns: the best of these and of the given alignment.
        """
        if not np.isfinite(map_T_camera).all():
            return alignment
        part = focus(self._scene, frame, map_T_camera)
        pyramid, start = image_pyramid(part.image, part.camera), torch.from_numpy(map_T_camera)
        for disturbance in Disturbance:
            if is_poor(AlignmentQuality.of(alignment)):
                found = align_disturbed(
                    self._scene,
                    pyramid,
                    start[None],
                    exposure,
                    settings.alignment,
                    disturbance,
                    grey=bool(frame.is_grey),
                )
                alignment = alignment if found is None else _better(alignment, found)
        return alignment

    def render_ahead(
        self,
        camera: Camera,
        map_T_camera: Array,
        distance: float,
        settings: Settings,
        *,
        grey: bool,
    ) -> None:
        """Render a keyframe for the next image, expected at a pose [4, 4], if the last is far.

        :param distance: of what is seen, metres.
        """
        if not uses_keyframes(settings):
            return
        pose, alignment = torch.from_numpy(map_T_camera)[None], settings.alignment
        camera = focused_camera(self._scene, camera, map_T_camera)
        max_motion = alignment.keyframe_motion
        if self._keyframes.near(pose, camera, alignment, grey=grey, max_motion=max_motion) is None:
            near = torch.from_numpy(_rounded(map_T_camera, camera, distance, max_motion))[None]
            keyframe = tracking_keyframe(self._scene, near, camera, alignment, grey=grey)
            self._keyframes.put(keyframe, alignment)


def _rounded(map_T_camera: Array, camera: Camera, distance: float, max_motion: float) -> Array:
    """Return the pose [4, 4] nearby from which a keyframe is rendered; see `_CELL`."""
    cell_rad = _CELL * max_motion * camera.span / camera.fx
    if not 0 < cell_rad * distance < math.inf:
        return map_T_camera
    # A power of two, as the distance differs a little, too.
    return rounded(map_T_camera, 2.0 ** round(math.log2(cell_rad * distance)), cell_rad)


def _better(first: Alignment, second: Alignment) -> Alignment:
    """Return the second of two alignments if it is clearly better, else the first."""
    return second if second.agreement > first.agreement + _USEFUL else first
