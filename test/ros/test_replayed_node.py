"""A bag that loops and jumps at twice its rate: poses are right, and memory stays flat.

The environment variable REPLAY_S sets how many seconds are played, 10 by default. Memory leaks show
in ten minutes. How many images get a pose depends on the machine: what counts is that none is
wrong, and that after each jump poses come for where it led.
"""

import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from numpy.typing import NDArray
from rosbags.highlevel import AnyReader
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage
from support.patience import LONG_S
from support.small_room import error
from support.station import NodeProcess, Station, matrix, stamp_ns

from mesh_reloc_ros.recordings.tum import read_tum
from mesh_reloc_ros.ros.publishing import publish
from mesh_reloc_ros.types.trajectory import Trajectory

RATE = 2.0
SECONDS = float(os.environ.get('REPLAY_S', '10'))
SEED = int(os.environ.get('REPLAY_SEED', '1'))


@dataclass(frozen=True)
class Shot:
    """What was recorded at one moment, as it goes over the wire."""

    stamp_ns: int
    info: bytes
    image: bytes


def shots_of(bag: Path) -> list[Shot]:
    topics = {'/camera/camera_info': {}, '/camera/image_rect/compressed': {}}
    with AnyReader([bag]) as reader:
        connections = [c for c in reader.connections if c.topic in topics]
        for connection, recorded_ns, data in reader.messages(connections):
            topics[connection.topic][recorded_ns] = bytes(data)
    infos, images = topics.values()
    return [Shot(stamp, infos[stamp], image) for stamp, image in sorted(images.items())]


def order(count: int, rng: np.random.Generator) -> list[int]:
    """Return the images of one round: all, with a jump in one of three rounds."""
    if rng.random() > 1 / 3:
        return list(range(count))
    leave, enter = rng.integers(0, count, 2)
    return [*range(leave), *range(enter, count)]


def memory_mb(process: NodeProcess) -> float:
    pages = int(Path(f'/proc/{process.pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


class Playback:
    """Plays shots with their clock, and keeps what comes back."""

    def __init__(self, station: Station) -> None:
        self._station = station
        create = station.node.create_publisher
        self._images = create(CompressedImage, '/camera/image_rect/compressed', 5)
        self._infos = create(CameraInfo, '/camera/camera_info', 5)
        self._clock = create(Clock, '/clock', 5)
        self.shown = 0
        self.poses: list[tuple[int, NDArray[np.float64]]] = []
        """Stamp and pose [4, 4] of each message."""
        station.node.create_subscription(PoseStamped, 'mesh_reloc/pose', self._on_pose, 100)

    def connect(self) -> None:
        for publisher in (self._images, self._infos):
            self._station.wait_until(
                lambda p=publisher: p.get_subscription_count() > 0, 'a subscription'
            )

    def play(self, shots: list[Shot], rate: float = RATE) -> None:
        """Play shots at a multiple of their rate."""
        due, before = time.monotonic(), None
        for shot in shots:
            step_s = 0.03 if before is None else (shot.stamp_ns - before) / 1e9
            if not 0 < step_s < 0.5:
                step_s = 0.03
            due, before = due + step_s / rate, shot.stamp_ns
            self._station.spin(due - time.monotonic())
            self._publish(shot)

    def play_until_found(self, shots: list[Shot]) -> None:
        """Play shots again and again, slower each time, until one of them has a pose."""
        known, stamps = len(self.poses), {shot.stamp_ns for shot in shots}
        rate, deadline = RATE, time.monotonic() + LONG_S
        while not stamps.intersection(stamp for stamp, _ in self.poses[known:]):
            assert time.monotonic() < deadline, 'the camera is not tracked'
            self.play(shots, rate)
            rate = max(rate / 2, RATE / 16)

    def _publish(self, shot: Shot) -> None:
        sec, nanosec = divmod(shot.stamp_ns, 10**9)
        self._clock.publish(Clock(clock=Time(sec=sec, nanosec=nanosec)))
        self._infos.publish(shot.info)
        publish(self._station.node, self._images.publish, shot.image)
        self.shown += 1

    def _on_pose(self, message: PoseStamped) -> None:
        pose = matrix(message.pose.position, message.pose.orientation)
        self.poses.append((stamp_ns(message), pose))


@pytest.fixture
def process(shared_data: Path, tmp_path: Path):
    kitchen = shared_data / 'redkitchen'
    for file in kitchen.glob('mesh.*'):
        shutil.copy(file, tmp_path)
    process = NodeProcess(
        '-p', f'mesh:={tmp_path}/mesh.obj',
        '-p', 'image_transport:=compressed',
        '-p', 'use_sim_time:=true',
        '-p', f'saved_pose_file:={tmp_path}/pose.yaml',
        '-r', 'image_rect:=/camera/image_rect',
        '-r', 'camera_info:=/camera/camera_info',
    )  # fmt: skip
    yield process
    process.kill()


@pytest.mark.timeout(SECONDS + 3 * LONG_S)
def test_loops_and_seeks(process: NodeProcess, station: Station, shared_data: Path):
    kitchen = shared_data / 'redkitchen'
    shots = shots_of(kitchen / 'clip_bag')
    truth = read_tum(kitchen / 'clip_groundtruth.tum')
    playback = Playback(station)
    process.wait_for_line('ready: ')
    playback.connect()
    early, late = shots[: len(shots) // 2], shots[len(shots) // 2 :]
    # A pose of the part before cannot be taken for one of the part after the jump.
    for part in (early, late, early):
        playback.play_until_found(part)
    rng = np.random.default_rng(SEED)
    print(f'seed {SEED}')
    memory: list[float] = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or len(memory) < 2:
        playback.play([shots[n] for n in order(len(shots), rng)])
        memory.append(memory_mb(process))
    for part in (late, early):
        playback.play_until_found(part)
    report(playback, truth, memory)
    assert {stamp for stamp, _ in playback.poses} <= {shot.stamp_ns for shot in shots}
    assert not wrong(playback, truth)
    later, end = np.median(memory[len(memory) // 3 :][:3]), np.median(memory[-3:])
    assert end < 1.05 * later, 'memory grows'
    assert process.end(signal.SIGINT) == 0
    assert not process.count('Traceback')


def errors(playback: Playback, truth: Trajectory) -> NDArray[np.float64]:
    nearest = [np.abs(truth.stamps_ns - stamp).argmin() for stamp, _ in playback.poses]
    poses = [pose for _, pose in playback.poses]
    return np.array([error(p, truth.poses[n]) for p, n in zip(poses, nearest, strict=True)])


def wrong(playback: Playback, truth: Trajectory) -> list[int]:
    metres, degrees = errors(playback, truth).T
    return np.flatnonzero((metres > 0.1) | (degrees > 5)).tolist()


def report(playback: Playback, truth: Trajectory, memory: list[float]) -> None:
    assert playback.poses, 'no pose at all'
    metres, degrees = errors(playback, truth).T
    print(f'{playback.shown} images, {len(playback.poses)} poses, wrong: {wrong(playback, truth)}')
    print(
        f'median {np.median(metres):.4f} m, {np.median(degrees):.3f} deg; max {metres.max():.4f} m'
    )
    print('memory [MB]:', ' '.join(f'{mb:.0f}' for mb in memory))
