"""A GPU that is emulated on the CPU: what it counts and refuses, and what fails there.

The folder `gpu` has the tests that run on a real GPU, too.
"""

import threading
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from mesh_reloc_evaluation.bench.refine import refined
from mesh_reloc_evaluation.emulated_gpu.emulation import emulated_gpu
from mesh_reloc_evaluation.emulated_gpu.rasterizer import fullest_bin
from support.small_room import CAMERA, error, photographed, pose_at, small_room_mesh

from mesh_reloc_ros.align import _device_image, device_batch
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.relocalize._candidates import ROUNDS, align_candidates
from mesh_reloc_ros.render import _pytorch3d_rasterizer as on_gpu
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track import warm_up
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

TALL = Camera(width=200, height=700, fx=300.0, fy=300.0, cx=99.5, cy=349.5)
BACKWARDS = np.diag([-1.0, 1.0, -1.0, 1.0])
CACHELESS = RelocalizationSettings(cache=False)


@pytest.fixture(scope='module')
def frames(room):
    return [
        Frame(1_000_000_000 + 80_000_000 * k, photographed(room.view(pose_at(k)), k), CAMERA)
        for k in range(8)
    ]


def tracked(room, frames, settings, counts=None):
    """Return poses by image, and what each image cost on the GPU."""
    with Pipeline.load(room.mesh, settings) as pipeline:
        if not settings.relocalization.enabled:
            pipeline.start_at(pose_at(0))
        poses, costs = [], []
        for frame in frames:
            before = replace(counts) if counts else None
            estimate = pipeline.track(frame)
            pipeline.look_ahead()
            poses.append(estimate.map_T_camera if estimate.trusted else None)
            if counts:
                now = vars(counts)
                costs.append({name: now[name] - value for name, value in vars(before).items()})
    return poses, costs


def test_images_are_tracked_as_on_the_cpu_and_cost_little(room, frames):
    settings = Settings(relocalization=RelocalizationSettings(enabled=False))
    expected, _ = tracked(room, frames, replace(settings, device='cpu'))
    with emulated_gpu() as counts:
        poses, costs = tracked(room, frames, settings, counts)
    for pose, other in zip(poses, expected, strict=True):
        metres, degrees = error(pose, other)
        assert metres < 2e-3
        assert degrees < 0.05
    # The first images fill the graphs.
    assert costs[0]['operations'] > 1000
    rendered = [cost for cost in costs[3:] if cost['graphs']]
    assert 0 < len(rendered) < len(costs[3:])
    for cost in costs[3:]:
        assert cost['synchronisations'] <= cost['graphs']
        assert cost['operations'] <= 3 * cost['graphs']
        # A keyframe for the next image, and now and then a look at the calibration.
        assert cost['graphs'] <= 3


def test_the_faster_solver_is_chosen_and_named(room, monkeypatch):
    settings = Settings(relocalization=RelocalizationSettings(enabled=False))
    times = {'cuda': 1.0, 'cpu': 2.0}
    now = 0.0

    def timed(*arguments, **options):
        nonlocal now
        now += times[arguments[4].solver_device]

    monkeypatch.setattr(warm_up, 'align_lm', timed)
    monkeypatch.setattr(warm_up.time, 'perf_counter', lambda: now)
    for times['cuda'], device in ((1.0, 'cuda'), (3.0, 'cpu')):
        with emulated_gpu(), Pipeline.load(room.mesh, settings) as pipeline:
            assert pipeline.solver_device == 'cpu'
            pipeline.warm_up()
            gpu_ms = 1000 * times['cuda']
            verdict = f'{gpu_ms:.1f} ms on the GPU, 2000.0 ms on the CPU'
            assert pipeline.solver_device == f'{device} ({verdict})'


def test_the_solver_goes_on_on_the_cpu_where_the_gpu_fails(room, frames, monkeypatch, caplog):
    """Once, with one line, whatever fails: here the memory, and a compiler that is missing."""
    alignment = AlignmentSettings(solver_device='cuda')
    settings = Settings(alignment=alignment, relocalization=RelocalizationSettings(enabled=False))
    for error_text in ('CUDA out of memory. Tried to allocate\nmore', 'Failed to find C compiler'):
        caplog.clear()
        error = torch.OutOfMemoryError(error_text)
        monkeypatch.setattr(_device_image, 'run_levels', lambda *_, error=error: raised(error))
        with emulated_gpu(), Pipeline.load(room.mesh, settings) as pipeline:
            pipeline.start_at(pose_at(0))
            assert all(pipeline.track(frame).trusted for frame in frames[:4])
            assert pipeline.solver_device.startswith('cpu (')
        lines = [line for line in caplog.messages if 'the CPU from now on' in line]
        assert lines == [
            f'the alignment is done on the CPU from now on: {error_text.splitlines()[0]}'
        ]


def test_candidates_are_aligned_on_the_cpu_where_the_gpu_fails(room, frames, monkeypatch, caplog):
    error = RuntimeError('Failed to find C compiler')
    monkeypatch.setattr(device_batch, 'run_levels', lambda *_, **__: raised(error))
    pyramid = image_pyramid(frames[0].image, CAMERA)
    starts = torch.from_numpy(np.stack([pose_at(step) for step in (0, 1, 2)]))
    with emulated_gpu():
        scene = Scene.load(room.mesh)
        found, expected = (
            align_candidates(scene, pyramid, starts, ROUNDS[-2:], on_device=on_device)
            for on_device in (True, False)
        )
        assert scene.solving.has_failed
    assert torch.equal(found.map_T_camera, expected.map_T_camera)
    assert caplog.messages == [
        'the alignment is done on the CPU from now on: Failed to find C compiler'
    ]


def raised(error):
    raise error


def test_bins_have_room_for_what_pytorch3d_counts(room):
    """Also where a face is larger than the view, or crosses the near plane."""
    mesh = refined(small_room_mesh(), 3000)
    rasterizer, fullest = on_gpu.PyTorch3DRasterizer(mesh, torch.device('cpu')), []
    for step in range(0, 40, 5):
        for pose in (pose_at(step), pose_at(step) @ BACKWARDS):
            poses = torch.from_numpy(pose)[None].float()
            for camera, bin_size in ((CAMERA, 16), (CAMERA.at_level(2), 8), (TALL, 64)):
                triangles, _ = rasterizer._triangles(rasterizer.in_view(poses, camera), camera)
                counted = int(on_gpu._fullest_bin(triangles, camera, bin_size))
                corners = triangles.screen[triangles.corners][0].numpy()
                exact = fullest_bin(corners, camera.width, camera.height, bin_size)
                assert exact <= counted <= exact + 10
                fullest.append(exact)
    assert max(fullest) > 100


def test_images_are_read_on_another_thread(room, frames):
    alignment, threads = AlignmentSettings(solver_device='cpu'), set()

    def read():
        for frame in frames[:3]:
            threads.add(threading.current_thread())
            yield frame

    settings = Settings(alignment=alignment, relocalization=RelocalizationSettings(enabled=False))
    with emulated_gpu(), Pipeline.load(room.mesh, settings) as pipeline:
        assert all(estimate.trusted for estimate in pipeline.run(read(), pose_at(0)))
    assert threads.isdisjoint({threading.current_thread()})


def test_no_face_is_dropped_where_more_meet_in_a_bin_than_in_the_graph():
    mesh = refined(small_room_mesh(), 6000)
    near, far = pose_at(0), pose_at(0)
    far[:3, 3] -= 12 * far[:3, 2]
    camera = CAMERA.at_level(1)
    expected = [Scene(mesh, 'cpu').render(torch.from_numpy(pose), camera) for pose in (near, far)]
    with emulated_gpu() as counts:
        scene = Scene(mesh)

        def work(poses):
            return None, [scene.render(poses, camera).depth]

        for pose, render in ((near, expected[0]), (near, expected[0]), (far, expected[1])):
            (depth,) = scene.repeater.run(('key',), work, [torch.from_numpy(pose)[None]]).arrays
            assert (np.abs(depth - render.depth.numpy()) < 1e-2).mean() > 0.995
        # The graph was started for both poses; its bins did not fit the second.
        assert counts.graphs == 2
        assert counts.operations > 2 * 50


def out_of_memory(*arguments, **options):
    raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB.\nMore of it.')


def test_a_mesh_that_the_gpu_has_no_memory_for_is_rendered_on_the_cpu(room, monkeypatch, caplog):
    monkeypatch.setattr(on_gpu.PyTorch3DRasterizer, '__init__', out_of_memory)
    with emulated_gpu():
        scene = Scene.load(room.mesh)
    assert scene.device.type == 'cpu'
    assert caplog.messages == [
        'the mesh is rendered on the CPU from now on: CUDA out of memory. Tried to allocate 2 GiB.'
    ]


@pytest.mark.parametrize('solver_device', ['cpu', 'cuda'])
def test_tracking_goes_on_where_the_memory_becomes_full(
    room, frames, monkeypatch, caplog, solver_device
):
    alignment = AlignmentSettings(solver_device=solver_device, max_iterations=2, levels=2)
    settings = Settings(alignment=alignment, relocalization=RelocalizationSettings(enabled=False))
    # Undone before the emulation ends, which replaces the same function.
    with (
        emulated_gpu(),
        monkeypatch.context() as patch,
        Pipeline.load(room.mesh, settings) as pipeline,
    ):
        pipeline.start_at(pose_at(0))
        for number, frame in enumerate(frames[:5]):
            if number == 2:
                patch.setattr(on_gpu, 'rasterize_meshes', out_of_memory)
            assert pipeline.track(frame).trusted
            pipeline.look_ahead()
        assert pipeline.scene.device.type == 'cpu'
        assert pipeline.solver_device == 'cpu'
    assert len([line for line in caplog.messages if 'from now on' in line]) == 1


def test_a_driver_that_is_too_old_is_named(room, monkeypatch, caplog):
    def is_available():
        text = 'The NVIDIA driver on your system is too old (found 470). Update it.'
        warnings.warn(text, stacklevel=2)
        return False

    monkeypatch.setattr(torch.cuda, 'is_available', is_available)
    assert Scene.load(room.mesh).device.type == 'cpu'
    assert caplog.messages == [
        'the mesh is rendered on the CPU, the GPU cannot be used:'
        ' The NVIDIA driver on your system is too old (found 470)'
    ]
    with pytest.raises(InputError, match='too old'):
        Scene.load(room.mesh, 'cuda')
