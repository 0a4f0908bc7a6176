"""`mesh_reloc compile` leaves nothing to be compiled by what comes after."""

import subprocess
import sys
from pathlib import Path

from support.patience import LONG_S

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from support.small_room import CAMERA, pose_at, write_small_room
from mesh_reloc_ros import Pipeline
from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.kernels.compile import KERNELS
from mesh_reloc_ros.types.frame import Frame

def compiled():
    return {{(each.__name__, str(signature)) for each in KERNELS for signature in each.signatures}}

assert main(['compile']) == 0
before = compiled()
room = write_small_room(Path({folder!r}))
few = Settings(relocalization=RelocalizationSettings(viewpoint_spacing=1.0, max_memory=2.1))
with Pipeline.load(room.mesh, few) as pipeline:
    pipeline.prepare(CAMERA)
    estimates = pipeline.run(
        Frame(step * 33_000_000, room.view(pose_at(step)), CAMERA) for step in range(4)
    )
    assert all(estimate.trusted for estimate in estimates)
print('left:', sorted(compiled() - before))
"""


def test_it_compiles_all_that_finding_and_tracking_a_camera_needs(tmp_path: Path):
    program = PROGRAM.format(tests=str(Path(__file__).parents[1]), folder=str(tmp_path))
    ended = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, timeout=LONG_S
    )
    assert ended.returncode == 0, ended.stderr
    done, left = ended.stdout.splitlines()[-2:]
    assert done.startswith('compiled in ')
    assert left == 'left: []'
