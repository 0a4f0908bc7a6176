"""Localize the images of a video; save them with the mesh edges drawn over them.

The video must be undistorted, with the principal point at the image centre.
"""

import argparse
from itertools import count
from pathlib import Path

import cv2

from mesh_reloc_ros import Camera, Frame, Pipeline, draw_overlay

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('mesh')
parser.add_argument('video')
parser.add_argument('output', type=Path, help='folder for the images')
parser.add_argument('--focal-length', type=float, required=True, help='in pixels')
arguments = parser.parse_args()

arguments.output.mkdir(parents=True, exist_ok=True)
video = cv2.VideoCapture(arguments.video)
period_ns = 1e9 / video.get(cv2.CAP_PROP_FPS)
with Pipeline.load(arguments.mesh) as pipeline:
    for number in count():
        is_read, image = video.read()
        if not is_read:
            break
        height, width = image.shape[:2]
        f = arguments.focal_length
        camera = Camera(width, height, fx=f, fy=f, cx=(width - 1) / 2, cy=(height - 1) / 2)
        frame = Frame(round(number * period_ns), cv2.cvtColor(image, cv2.COLOR_BGR2RGB), camera)
        estimate = pipeline.track(frame)
        overlay = draw_overlay(pipeline.scene, frame, estimate)
        cv2.imwrite(str(arguments.output / f'{number:05d}.png'), overlay[:, :, ::-1])
        print(number, estimate.state.name, estimate.reason)
        pipeline.look_ahead()
