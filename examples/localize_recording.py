"""Localize each image of a recording; print poses, and why other images were rejected."""

import sys

from mesh_reloc_ros import Pipeline, open_recording

mesh, recording = sys.argv[1:]
with open_recording(recording) as images, Pipeline.load(mesh) as pipeline:
    for estimate in pipeline.run(images.frames()):
        time = f'{estimate.stamp_ns * 1e-9:.3f} s'
        if estimate.trusted:
            x, y, z = estimate.map_T_camera[:3, 3]
            print(f'{time}: x {x:.3f}, y {y:.3f}, z {z:.3f} m; score {estimate.score:.2f}')
        else:
            print(f'{time}: {estimate.state.name}, {estimate.reason}')
