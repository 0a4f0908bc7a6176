"""CameraInfo messages without ROS."""

from dataclasses import replace

import numpy as np
from rosbags.typesys import Stores, get_typestore

TYPES = get_typestore(Stores.ROS2_HUMBLE).types


def camera_info(**changes):
    """Return a CameraInfo of a 640x480 image whose K and P differ."""
    time = TYPES['builtin_interfaces/msg/Time'](sec=0, nanosec=0)
    roi = TYPES['sensor_msgs/msg/RegionOfInterest'](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    info = TYPES['sensor_msgs/msg/CameraInfo'](
        header=TYPES['std_msgs/msg/Header'](stamp=time, frame_id='camera'),
        height=480,
        width=640,
        distortion_model='plumb_bob',
        d=np.array([0.1, 0, 0, 0, 0]),
        k=np.array([500.0, 0, 310, 0, 501, 230, 0, 0, 1]),
        r=np.eye(3).ravel(),
        p=np.array([520.0, 0, 319.5, 0, 0, 521, 239.5, 0, 0, 0, 1, 0]),
        binning_x=0,
        binning_y=0,
        roi=roi,
    )
    return replace(info, **changes)


def region(x_offset, y_offset, width, height):
    return TYPES['sensor_msgs/msg/RegionOfInterest'](
        x_offset=x_offset, y_offset=y_offset, height=height, width=width, do_rectify=False
    )
