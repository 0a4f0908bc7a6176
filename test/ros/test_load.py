"""Images are aligned with less while they come faster than they can be tracked."""

from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.ros._load import Load

PERIOD_S = 1 / 30


class Camera:
    """Notes images at 30 Hz in a `Load`."""

    def __init__(self) -> None:
        self.load = Load()
        self.stamp_ns = 0

    def track(self, images: int, work_s: float, dropped: int = 0) -> None:
        """Note images, each of which took so long, after so many that were dropped."""
        for _ in range(images):
            self.stamp_ns += round((1 + dropped) * PERIOD_S * 1e9)
            self.load.note(self.stamp_ns, work_s, work_s, dropped)


def busy() -> Camera:
    camera = Camera()
    camera.track(20, 0.06, dropped=1)
    return camera


def test_a_camera_that_is_kept_pace_with_is_aligned_in_full():
    camera, settings = Camera(), Settings()
    camera.track(50, 0.02)
    assert camera.load.settings(settings) is settings


def test_what_the_start_of_a_track_drops_is_no_load():
    camera = Camera()
    camera.track(1, 0.3)
    camera.track(1, 0.02, dropped=9)
    camera.track(20, 0.02)
    assert not camera.load.is_high


def test_less_is_aligned_while_images_are_dropped_and_the_settings_stay_the_same_object():
    load, settings = busy().load, Settings()
    less = load.settings(settings)
    assert less is load.settings(settings)
    assert less.alignment.finest_level == settings.alignment.finest_level + 1
    assert less.alignment.max_points < settings.alignment.max_points / 2
    assert less.alignment.keyframe_motion > settings.alignment.keyframe_motion
    assert less.tracking == settings.tracking


def test_an_image_that_waited_for_the_processor_shows_the_load_at_once():
    load = Load()
    load.note(1, work_s=1.0, processor_s=0.7, dropped=0)
    assert not load.is_high
    load.note(2, work_s=0.15, processor_s=0.02, dropped=0)
    assert not load.is_high
    load.note(3, work_s=1.0, processor_s=0.25, dropped=0)
    assert load.is_high


def test_nothing_is_raised_where_the_settings_ask_for_less():
    light = AlignmentSettings(finest_level=3, max_points=300, keyframe_motion=0.4)
    assert busy().load.settings(Settings(alignment=light)).alignment == light


def test_the_load_stays_high_as_long_as_aligning_in_full_would_take_too_long():
    camera = busy()
    camera.track(50, 0.7 * PERIOD_S)
    assert camera.load.is_high
    camera.track(10, 0.3 * PERIOD_S)
    assert not camera.load.is_high


def test_a_single_drop_is_no_load_and_the_load_is_not_over_while_images_are_dropped():
    camera = Camera()
    camera.track(10, 0.02)
    camera.track(1, 0.05, dropped=1)
    camera.track(10, 0.02)
    assert not camera.load.is_high
    camera = busy()
    camera.track(50, 0.3 * PERIOD_S, dropped=1)
    assert camera.load.is_high
