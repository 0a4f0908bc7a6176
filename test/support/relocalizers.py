"""Relocalizers for tests: they know where images were taken, and what they were asked."""

import threading

import numpy as np
import torch

from mesh_reloc_ros.align.alignment import Alignment, AlignMode, neutral_exposure
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.relocalize._feature_map import FeatureMap
from mesh_reloc_ros.relocalize._local_features import LocalFeatures
from mesh_reloc_ros.relocalize._panoramas import Panoramas
from mesh_reloc_ros.relocalize._thumbnails import Thumbnails
from mesh_reloc_ros.relocalize.relocalizer import Relocalizer
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose
from support.patience import LONG_S
from support.small_room import CAMERA, error, perturbed


def at(map_T_camera: np.ndarray) -> Alignment:
    """Return an alignment at a pose [4, 4] that claims to be good."""
    return Alignment(
        map_T_camera=torch.from_numpy(map_T_camera)[None],
        covariance=1e-6 * torch.eye(6, dtype=torch.float64)[None],
        exposure=neutral_exposure(1),
        score=torch.tensor([0.95]),
        score_blocks=torch.tensor([100]),
        inlier_ratio=torch.tensor([0.95]),
        in_view=torch.tensor([1.0]),
        coverage=torch.tensor([0.95]),
        distance=torch.tensor([1.0]),
        iterations=1,
    )


def without_views(scene: Scene) -> Relocalizer:
    """Return a relocalizer that has no views of the map, and cannot make any."""

    def no_features() -> FeatureMap:
        raise AssertionError('a hint needs no features')

    def no_panoramas() -> Panoramas:
        raise AssertionError('a hint needs no panoramas')

    settings = RelocalizationSettings()
    return Relocalizer(
        scene,
        LocalFeatures(no_features),
        Thumbnails(no_panoramas, settings, scene.device),
        settings,
        AlignmentSettings(),
    )


def assert_found(relocalizer: Relocalizer, image: np.ndarray, pose: np.ndarray) -> None:
    """Check that an image of the small room is found at a pose [4, 4]."""
    found = relocalizer.locate(Frame(1, image, CAMERA))
    assert found is not None
    metres, degrees = error(found.pose, pose)
    assert metres < 0.01
    assert degrees < 0.2


def wait_for_the_search(timeout_s: float = LONG_S) -> None:
    """Wait until no search runs in the background."""
    for thread in threading.enumerate():
        if thread.name == 'search':
            thread.join(timeout_s)
            assert not thread.is_alive()


class Answers:
    """Gives the same answer to every image, as soon as it may."""

    def __init__(self, answer: Alignment | Exception | None) -> None:
        self.answer = answer
        self.hints: list[np.ndarray | None] = []
        self.covariances: list[np.ndarray | None] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.answered = threading.Semaphore(0)

    def locate_all(self, frame: Frame, near: InitialPose | None = None) -> list[Alignment]:
        """Return what `locate` of a relocalizer would, as a list."""
        found = self.locate(frame, near)
        return [] if found is None else [found]

    def locate(self, frame: Frame, near: InitialPose | None = None) -> Alignment | None:
        self.hints.append(None if near is None else near.map_T_camera)
        self.covariances.append(None if near is None else near.covariance)
        assert self.may_answer.wait(LONG_S)
        self.answered.release()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Knows(Answers):
    """Knows where some images were taken, and aligns them from near there."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(None)
        self._scene = scene
        self._known: list[tuple[np.ndarray, np.ndarray]] = []

    def learn(self, image: np.ndarray, map_T_camera: np.ndarray) -> None:
        self._known.append((image, map_T_camera))

    def locate(self, frame: Frame, near: InitialPose | None = None) -> Alignment | None:
        super().locate(frame, near)
        for known, pose in self._known:
            if known is frame.image:
                start = torch.from_numpy(perturbed(pose, 1, metres=0.05, degrees=2.0))[None]
                pyramid = image_pyramid(frame.image, frame.camera)
                return align_lm(
                    self._scene, pyramid, start, None, AlignmentSettings(), AlignMode.COARSE
                )
        return None
