"""Settings of the node, besides those of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from mesh_reloc_ros.config.declaration import group, setting
from mesh_reloc_ros.config.overlay import OverlaySettings
from mesh_reloc_ros.errors import InputError


@dataclass(frozen=True)
class NodeSettings:
    """Mesh, frames, initialization, topics, and visualization.

    :raises InputError: a frame is unusable, or two settings contradict each other.
    """

    autostart: bool = setting(
        True,
        'Configure and activate the node at the start. Set it to false if a lifecycle manager does'
        ' this.',
        read_only=True,
    )
    mesh: str = setting(
        '',
        'Textured mesh: a path, file:// or package:// (OBJ with MTL, PLY, GLB). Required.',
    )
    map_frame: str = setting('map', 'Frame of the mesh and of the poses.')
    camera_frame: str = setting(
        '',
        'Optical frame of the camera in TF. Empty: the frame_id of the images.',
        deprecated_names=('child_frame',),
    )
    base_frame: str = setting(
        '',
        'Frame of the robot in TF, such as base_link. If set, initialpose is its pose, and'
        ' ~/odometry is published. Empty: initialpose is the pose of the camera.',
    )
    publish_tf: str = setting(
        'map_camera',
        'Transform to publish. map_camera: map_frame -> camera, for a camera without another parent'
        ' in TF. map_odom: map_frame -> odom_frame, for a robot with odom_frame -> camera in TF.'
        ' none: no transform.',
        choices=('map_camera', 'map_odom', 'none'),
    )
    odom_frame: str = setting('odom', 'Frame of the odometry.')
    use_odometry: bool = setting(
        False,
        'Predict the motion of the camera from odometry in TF, odom_frame -> camera, instead of at'
        ' constant velocity. Always true with publish_tf map_odom.',
    )
    transform_timeout: float = setting(
        0.1,
        'Maximum time to wait for odom_frame -> camera at the stamp of an image. Raise it if'
        ' odometry arrives late; poses are delayed by up to this time.',
        unit='s',
        minimum=0.0,
        maximum=5.0,
        live=True,
        deprecated_names=('tf_timeout',),
    )
    transform_tolerance: float = setting(
        0.0,
        'Time by which map_frame -> odom_frame is dated ahead of its image, as with amcl. Raise it'
        ' if other nodes wait for the transform.',
        unit='s',
        minimum=0.0,
        maximum=10.0,
        live=True,
        deprecated_names=('tf_future',),
    )
    initialization: str = setting(
        'pose',
        'Source of the initial pose. pose: the parameter initial_pose or, if that is empty, global'
        ' relocalization. global: global relocalization. saved: the last pose of the previous run;'
        ' if there is none, as with pose.',
        choices=('pose', 'global', 'saved'),
        live=True,
        deprecated_names=('start_from',),
        deprecated_choices={'parameter': 'pose', 'nothing': 'global'},
    )
    initial_pose: list[float] = setting(
        [],
        'Initial pose of the camera, optical frame in map_frame: [x, y, z, qx, qy, qz, qw], numbers'
        ' with a decimal point. Empty: none.',
        unit='m',
        live=True,
    )
    saved_pose_file: str = setting(
        '',
        'File in which the last trusted pose is saved. Empty: ~/.ros/mesh_reloc_ros/NODE.yaml with'
        ' the name of the node.',
    )
    save_pose_period: float = setting(
        2.0,
        'Minimum time between two writes of the saved pose. 0: the pose is not saved.',
        unit='s',
        minimum=0.0,
        maximum=3600.0,
        live=True,
    )
    reference_cameras: str = setting(
        '',
        'Camera poses of the reconstruction, to search at these places: images.bin or images.txt of'
        ' COLMAP, the folder of one, or a TUM file. Empty: search all around the mesh.',
        deprecated_names=('views',),
    )
    image_transport: str = setting(
        'raw',
        'Type of the image topic. raw: image_rect. compressed: image_rect/compressed.',
        choices=('raw', 'compressed'),
    )
    image_reliability: str = setting(
        'auto',
        'QoS reliability of the image subscription. reliable: large images are not lost, but'
        ' best-effort publishers are not received. best_effort: all publishers are received, but'
        ' Fast DDS loses large images. auto: reliable unless a publisher offers best effort only.',
        choices=('auto', 'reliable', 'best_effort'),
    )
    rectify: bool = setting(
        False,
        'Rectify raw images with the distortion in camera_info. Remap image_rect to the raw topic.',
    )
    reduce_under_load: bool = setting(
        True,
        'While images come faster than they can be tracked, align them one pyramid level coarser,'
        ' with a quarter of the points, and render half as many keyframes. Poses are a millimetre'
        ' or two less accurate then, but there are more of them.',
        live=True,
    )
    image_timeout: float = setting(
        5.0,
        'Time without images or camera_info after which a warning gives the reason.',
        unit='s',
        minimum=0.5,
        maximum=3600.0,
        live=True,
    )
    diagnostics_period: float = setting(
        1.0,
        'Period of the messages on /diagnostics.',
        unit='s',
        minimum=0.1,
        maximum=60.0,
        live=True,
    )
    path_length: int = setting(
        500,
        'Maximum number of poses on ~/path. A longer path keeps every second pose.',
        unit='poses',
        minimum=2,
        maximum=2000,
        live=True,
    )
    overlay: OverlaySettings = group(
        OverlaySettings(), 'The overlay, the mesh drawn over the image.', live=True
    )

    def __post_init__(self) -> None:
        """Check that frames are usable and settings consistent."""
        if not self.map_frame:
            raise InputError('parameter map_frame is empty: name the frame of the mesh')
        for name in ('map_frame', 'camera_frame', 'base_frame', 'odom_frame'):
            frame = getattr(self, name)
            if frame.startswith('/'):
                raise InputError(
                    f'parameter {name}: frames begin without a slash: {frame.lstrip("/")!r}'
                )
        if self.has_odometry and self.odom_frame in ('', self.map_frame):
            raise InputError(
                f'parameter odom_frame: {self.odom_frame!r} must be the frame that the odometry'
                ' publishes, other than map_frame'
            )
        if self.use_odometry and self.publish_tf == 'map_camera':
            raise InputError(
                'parameter use_odometry: with publish_tf map_camera the camera would have two'
                ' parents in TF: set publish_tf to map_odom or none'
            )

    @property
    def has_odometry(self) -> bool:
        """Whether the motion of the camera in `odom_frame` is looked up in TF."""
        return self.use_odometry or self.publish_tf == 'map_odom'
