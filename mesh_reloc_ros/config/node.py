"""What the node's parameters add to the pipeline's settings."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.config.declaration import setting
from mesh_reloc_ros.config.overlay import OverlaySettings


@dataclass(frozen=True)
class NodeSettings:
    """Frames, start, topics, and what is shown."""

    autostart: bool = setting(
        True,
        'Configure and activate the node at once. Switch it off where a lifecycle manager does.',
    )
    mesh: str = setting(
        '',
        'Textured mesh: a path, file:// or package:// (OBJ with MTL and textures). Required.',
    )
    map_frame: str = setting('map', 'Frame of the mesh, and of the poses.')
    camera_frame: str = setting(
        '',
        "Camera's optical frame in TF; empty: the frame_id of the image's header.",
        deprecated_names=('child_frame',),
    )
    publish_tf: str = setting(
        'map_camera',
        'map_camera: map_frame -> camera, for a camera without another TF parent. map_odom:'
        ' map_frame -> odom_frame, for a robot that has odom_frame -> camera. none: no TF.',
        choices=('map_camera', 'map_odom', 'none'),
    )
    odom_frame: str = setting('odom', 'Frame of the odometry, which moves without jumps.')
    use_odometry: bool = setting(
        False,
        'Predict by the motion of the camera in odom_frame, as TF has it, instead of constant'
        ' velocity; with publish_tf map_odom always.',
    )
    transform_timeout: float = setting(
        0.1,
        "Longest wait for odom_frame -> camera at an image's stamp.",
        unit='s',
        minimum=0.0,
        maximum=5.0,
        deprecated_names=('tf_timeout',),
    )
    transform_tolerance: float = setting(
        0.0,
        'How far ahead of its image map_frame -> odom_frame is dated, so that others need not wait'
        ' for the next.',
        unit='s',
        minimum=0.0,
        maximum=10.0,
        deprecated_names=('tf_future',),
    )
    initialization: str = setting(
        'pose',
        'Source of the initial pose. pose: the parameter initial_pose; if that is empty, global'
        ' relocalization. global: global relocalization over the whole mesh. saved: the last pose'
        ' of the previous run; if there is none, as with pose.',
        choices=('pose', 'global', 'saved'),
        deprecated_names=('start_from',),
        deprecated_choices={'parameter': 'pose', 'nothing': 'global'},
    )
    initial_pose: list[float] = setting(
        [],
        'Start pose "x y z qx qy qz qw" of the optical frame in map_frame; empty: none. Write each'
        ' number with a decimal point.',
        unit='m',
    )
    saved_pose_file: str = setting(
        '',
        "Where the last trusted pose is kept; empty: ~/.ros/mesh_reloc_ros/<node's name>.yaml.",
    )
    save_pose_period: float = setting(
        2.0,
        'Shortest time from one saving of the pose to the next; 0: it is not saved.',
        unit='s',
        minimum=0.0,
        maximum=3600.0,
    )
    reference_cameras: str = setting(
        '',
        'Cameras of the reconstruction, places to look for the camera at: images.bin or images.txt'
        ' of COLMAP, the folder of one, or a TUM file; empty: places all around the mesh.',
        deprecated_names=('views',),
    )
    image_transport: str = setting(
        'raw',
        'raw: image_rect; compressed: image_rect/compressed.',
        choices=('raw', 'compressed'),
    )
    image_reliability: str = setting(
        'auto',
        'QoS reliability asked of the image publisher. reliable loses no large images but'
        ' gets nothing from a best-effort publisher; best_effort gets images from any, but Fast'
        ' DDS loses large ones; auto: reliable unless a publisher offers best effort alone.',
        choices=('auto', 'reliable', 'best_effort'),
    )
    rectify: bool = setting(
        False,
        'Rectify the images, by the distortion in camera_info. Remap image_rect to image_raw then.',
    )
    image_timeout: float = setting(
        5.0,
        'Time without an image or camera_info after which a warning says why.',
        unit='s',
        minimum=0.5,
        maximum=3600.0,
    )
    diagnostics_period: float = setting(
        1.0,
        'Time from one message on /diagnostics to the next.',
        unit='s',
        minimum=0.1,
        maximum=60.0,
    )
    path_length: int = setting(
        500,
        'Most poses on ~/path; when there are more, every second one is left out.',
        unit='poses',
        minimum=2,
        maximum=2000,
    )
    overlay: OverlaySettings = OverlaySettings()

    @property
    def has_odometry(self) -> bool:
        """Whether the motion of the camera in `odom_frame` is looked up."""
        return self.use_odometry or self.publish_tf == 'map_odom'
