"""From a mesh and images to poses: scene, relocalizer, tracker and timeline put together once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import numpy as np

from mesh_reloc_ros.align.coarse_to_fine import solves_on_device
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.initialization import Initialization, InitialPoseQueue
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.read_ahead import read_ahead
from mesh_reloc_ros.relocalize.relocalizer import Relocalizer, make_relocalizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.timeline import PoseHistory, TimeEvent, TimelineMonitor
from mesh_reloc_ros.track.search import Search
from mesh_reloc_ros.track.tracker import Tracker
from mesh_reloc_ros.track.warm_up import warm_up
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.estimate import PoseEstimate, Rejection
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose
from mesh_reloc_ros.types.pose import shifted

_REVISITED = 'where it was at that time before'
# Of an image that was not looked at, nothing is known.
_NO_COVARIANCE = 1e6 * np.eye(6)


class Pipeline:
    """Localizes the images of one camera in a mesh, one after the other; a context manager.

    Poses go in and out in the coordinates of the map. Scene, tracker and search work about the
    origin of the mesh; see `TexturedMesh`.

    `track` and `run` serve programs that have images at hand. The node needs to know of a jump in
    time before it looks up odometry, and calls the two parts of `track` by itself: `admit`, then
    `localize`. One thread tracks; `look_ahead` may run on a second one.
    """

    def __init__(
        self,
        scene: Scene,
        settings: Settings | None = None,
        relocalizer: Relocalizer | None = None,
        *,
        background_search: bool = False,
    ) -> None:
        """Make a pipeline of loaded parts, which several pipelines may share.

        :param settings: None: the defaults.
        :param relocalizer: searches for the camera; None: an initial pose is needed.
        :param background_search: search on a thread beside the tracking, for live images; else
            within `track`, so that every run gives the same poses.
        """
        self.settings = Settings() if settings is None else settings
        self.scene = scene
        self.relocalizer = relocalizer
        self._search = None if relocalizer is None else Search(relocalizer, background_search)
        self.tracker = Tracker(scene, self.settings, self._search)
        self.initialization = InitialPoseQueue(None, can_search=relocalizer is not None)
        """What the tracker starts from next; requests may come from any thread."""
        self.resume()

    @classmethod
    def load(
        cls,
        mesh: Path | str,
        settings: Settings | None = None,
        *,
        reference_cameras: Array | None = None,
        background_search: bool = False,
        progress: Progress = silent,
    ) -> Pipeline:
        """Load a mesh and make a pipeline with a search, unless settings switch that off.

        :param settings: None: the defaults.
        :param reference_cameras: [V, 4, 4], map_T_camera of the reconstruction's cameras: where the
            search looks; None: all around the mesh.
        :param background_search: see the constructor.
        :raises InputError: the mesh or the device cannot be used.
        """
        path, settings = Path(mesh), Settings() if settings is None else settings
        scene = Scene.load(
            path, settings.device, settings.rasterizer, progress, use_cache=settings.mesh_cache
        )
        relocalizer = None
        if reference_cameras is not None:
            reference_cameras = shifted(reference_cameras, -scene.mesh.origin)
        if settings.relocalization.enabled:
            relocalizer = make_relocalizer(
                scene,
                settings.relocalization,
                settings.alignment,
                path,
                reference_cameras,
                progress,
            )
        return cls(scene, settings, relocalizer, background_search=background_search)

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self, timeout_s: float = 5.0) -> bool:
        """End a search in progress; return False if that takes longer than the timeout."""
        return self._search is None or self._search.close(timeout_s)

    def warm_up(self) -> None:
        """Compile and load what the first image needs, which takes up to a minute."""
        warm_up(self.scene, self.settings)

    @property
    def solver_device(self) -> str:
        """Where images are aligned while tracking, and why, after the warm-up."""
        solving = self.scene.solving
        if solving is None:
            return 'cpu'
        device = 'cuda' if solves_on_device(self.scene, self.settings.alignment) else 'cpu'
        return f'{device} ({solving.verdict})' if solving.verdict else device

    def prepare(self, camera: Camera | None = None) -> None:
        """Render or read the views that a search compares images with, if there is a search.

        :param camera: of the images, where it is known: thumbnails are prepared as well.
        """
        if self.relocalizer is not None:
            self.relocalizer.prepare(camera)

    def change(self, settings: Settings) -> None:
        """Use other settings of tracking and alignment from the next image on.

        Device, rasterizer, solver and relocalization stay as they were.
        """
        if settings is not self.settings:
            self.settings = settings
            self.timeline.restart_after_s = settings.tracking.restart_after
            self.tracker.change(settings)

    def start_at(self, map_T_camera: Array, covariance: Array | None = None) -> None:
        """Start at a pose [4, 4] with the next image; see `InitialPose`.

        :raises InputError: the pose is not finite, or the covariance is not one.
        """
        self.initialization.give(Initialization(InitialPose(map_T_camera, covariance)))

    def resume(self) -> None:
        """Begin a new sequence of images, from where the camera was last."""
        self.timeline = TimelineMonitor(self.settings.tracking.restart_after)
        self._history = PoseHistory()
        self._is_started = self._has_jumped = False
        self.initialization.resume()

    @property
    def is_ready(self) -> bool:
        """Whether there is something to start from: an initial pose or a search."""
        return self._is_started or bool(self.initialization.pending)

    def run(self, frames: Iterable[Frame], start: Array | None = None) -> Iterator[PoseEstimate]:
        """Yield an estimate for each image of a recording.

        :param start: map_T_camera [4, 4] of the first image; None: start where the camera was last,
            or with a search.
        :raises InputError: there is neither a start nor a search, or an image is too small.
        """
        self.resume()
        if start is not None:
            self.start_at(start)
        # The processor is idle while the GPU works.
        is_on_gpu = self.scene.device.type == 'cuda'
        for frame in read_ahead(frames) if is_on_gpu else frames:
            yield self.track(frame)
            self.look_ahead()

    def track(self, frame: Frame) -> PoseEstimate:
        """Estimate the pose of the next image. Images that are not newer than the last are refused.

        :raises InputError: there is neither a start nor a search, or the image is too small.
        """
        self._require_start()
        if self.admit(frame.stamp_ns) is not TimeEvent.STALE:
            return self.localize(frame)
        return PoseEstimate(
            frame.stamp_ns,
            self.tracker.state,
            rejection=Rejection.OUT_OF_ORDER,
            reason='not newer than the image before',
            map_T_camera=np.eye(4),
            covariance=_NO_COVARIANCE,
            is_located=False,
            stages_ms={'total': 0.0},
        )

    def look_ahead(self) -> None:
        """Render for the next image, between two images; see `Tracker.look_ahead`."""
        self.tracker.look_ahead()

    def admit(self, stamp_ns: int, *, clock_was_set: bool = False) -> TimeEvent:
        """Decide how the next image follows those before, and start again after a jump back.

        Do not `localize` an image that is stale.

        :param clock_was_set: a jump back means that the clock was set: the camera did not move.
            Else a recording plays again, and the camera is where it was at that time before.
        """
        event = self.timeline.advance(stamp_ns)
        if event is TimeEvent.JUMP_BACK:
            if clock_was_set:
                self._history = PoseHistory()
                self.initialization.resume()
            else:
                self.initialization.begin_again(self._revisited(stamp_ns))
        elif event is TimeEvent.JUMP_AHEAD or (
            event is TimeEvent.NEXT and self.tracker.state.is_searching
        ):
            revisited = self._revisited(stamp_ns)
            if revisited is not None:
                self.initialization.suggest(revisited)
        self._has_jumped |= event in (TimeEvent.JUMP_BACK, TimeEvent.JUMP_AHEAD)
        return event

    def localize(self, frame: Frame) -> PoseEstimate:
        """Estimate the pose of an image that was admitted.

        :raises InputError: there is neither a start nor a search, or the image is too small.
        """
        self._require_start()
        requested = self.initialization.take()
        if requested is not None:
            self._start(requested)
        elif self._has_jumped:
            self.tracker.restart_at_last_pose(frame)
        self._has_jumped = False
        estimate = self._in_map(self.tracker.track(frame))
        if estimate.trusted:
            self.initialization.trust(estimate.map_T_camera)
            self._history.add(estimate.stamp_ns, estimate.map_T_camera)
        return estimate

    def _require_start(self) -> None:
        if not self.is_ready:
            raise InputError('no initial pose and no search: give a pose before the first image')

    def _start(self, requested: Initialization) -> None:
        self._is_started = True
        if requested.pose is None:
            self.tracker.start_anywhere()
        else:
            start = shifted(requested.pose.map_T_camera, -self.scene.mesh.origin)
            self.tracker.start_at(start, requested.pose.covariance)

    def _in_map(self, estimate: PoseEstimate) -> PoseEstimate:
        origin = self.scene.mesh.origin
        if not (estimate.is_located and origin.any()):
            return estimate
        return replace(estimate, map_T_camera=shifted(estimate.map_T_camera, origin))

    def _revisited(self, stamp_ns: int) -> Initialization | None:
        """Return where the camera was at this time before, if a recording plays again."""
        pose = self._history.at(stamp_ns)
        return None if pose is None else Initialization(InitialPose(pose), _REVISITED)
