"""The programs in examples/ run, on the small room."""

import re
import runpy
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.patience import LONG_S
from support.small_room import pose_at

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / 'examples'


def output_of(example: str, *arguments: object) -> list[str]:
    """Run an example to its end, as a process of its own; return the lines that it prints."""
    command = [sys.executable, str(EXAMPLES / example), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONG_S)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def run_here(program: Path, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Run a program to its end in this process, which has loaded all that takes long."""
    monkeypatch.setattr(sys, 'argv', [str(program), *map(str, arguments)])
    runpy.run_path(str(program), run_name='__main__')


def numbers_in(line: str) -> list[float]:
    return [float(number) for number in re.findall(r'-?\d+\.\d+', line)]


def test_the_readme_shows_the_first_example():
    shown = re.findall(r'```python\n(.*?)```', (ROOT / 'README.md').read_text(), re.DOTALL)
    assert shown == [(EXAMPLES / 'localize_recording.py').read_text()]


def test_the_programs_in_the_documentation_run(room, bag, tmp_path, monkeypatch):
    page = (ROOT / 'docs' / 'python_api.md').read_text()
    programs = re.findall(r'```python\n(.*?)```', page, re.DOTALL)
    assert programs
    for entry in room.mesh.parent.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / 'drive').symlink_to(bag)
    monkeypatch.chdir(tmp_path)
    for program in programs:
        (tmp_path / 'program.py').write_text(program)
        run_here(tmp_path / 'program.py', monkeypatch)
    assert cv2.imread(str(tmp_path / 'view.png')).std() > 20


def test_each_image_of_a_recording_gets_a_pose_or_a_reason(room, bag, images):
    lines = output_of('localize_recording.py', room.mesh, bag)
    assert len(lines) == len(images)
    located = {index: line for index, line in enumerate(lines) if 'score' in line}
    assert set(located) == {0, 1, 2, 4, 5}
    for index, line in located.items():
        _, x, y, z, score = numbers_in(line)
        assert np.linalg.norm(np.array([x, y, z]) - pose_at(index)[:3, 3]) < 0.02
        assert score > 0.6
    assert re.search(r'UNSURE, \w+', lines[3])


def test_a_video_is_drawn_with_the_edges_of_the_mesh(room, images, tmp_path, monkeypatch, capsys):
    video = cv2.VideoWriter(
        str(tmp_path / 'video.avi'), cv2.VideoWriter.fourcc(*'MJPG'), 10.0, (320, 240)
    )
    for image in images:
        video.write(image[:, :, ::-1])
    video.release()
    folder = tmp_path / 'drawn'
    words = room.mesh, tmp_path / 'video.avi', folder, '--focal-length', 260
    run_here(EXAMPLES / 'track_video.py', monkeypatch, *words)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines].count('TRACKING') >= 4
    drawn = [cv2.imread(str(path))[:, :, ::-1] for path in sorted(folder.iterdir())]
    assert len(drawn) == len(images)
    # Green edges, below the panel.
    red, green, blue = (drawn[1][100:, :, channel].astype(int) for channel in range(3))
    assert ((green - np.maximum(red, blue)) > 60).sum() > 50


@pytest.mark.dds
def test_published_poses_are_printed():
    import rclpy
    from geometry_msgs.msg import PoseWithCovarianceStamped

    message = PoseWithCovarianceStamped()
    message.pose.pose.position.x = 1.5
    # Optical frame of a level camera that looks along y.
    q = message.pose.pose.orientation
    q.x, q.y, q.z, q.w = -np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)
    message.pose.covariance[7] = 0.01**2
    command = [sys.executable, str(EXAMPLES / 'print_poses.py')]
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('poses', context=context)
    publisher = node.create_publisher(
        PoseWithCovarianceStamped, 'mesh_reloc/pose_with_covariance', 10
    )
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + LONG_S
        while not publisher.get_subscription_count():
            assert time.monotonic() < deadline, 'the example does not subscribe'
            time.sleep(0.05)
        publisher.publish(message)
        line = process.stdout.readline()
    finally:
        process.kill()
        process.wait()
        node.destroy_node()
        context.try_shutdown()
    assert line == 'x 1.500, y 0.000, z 0.000 m, heading 90.0 deg, sigma 10.0 mm\n'
