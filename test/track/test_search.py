"""The search: when it looks, where, at once or beside the tracking, and what comes of it."""

import time

import numpy as np
import pytest
from support.relocalizers import Answers, at, wait_for_the_search
from support.small_room import CAMERA

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.track.search import Search, shows_something
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose

PERIOD_S = 0.3
HINT = np.diag([1.0, -1.0, -1.0, 1.0])
SHAPE = (CAMERA.height, CAMERA.width, 3)
PLACE = at(np.eye(4))
Found = tuple[list[Alignment], list[Frame]]


def frame(ms: float, image: np.ndarray | None = None) -> Frame:
    if image is None:
        image = np.zeros(SHAPE, dtype=np.uint8)
        image[:, CAMERA.width // 2 :] = 200
    return Frame(round(ms * 1e6), image, CAMERA)


def offered(search: Search, ms: float, image: np.ndarray | None = None) -> Found | None:
    return search.offer(frame(ms, image), InitialPose(HINT), PERIOD_S)


def until_found(search: Search, first_ms: float) -> tuple[Found, float]:
    """Offer images until one is answered with a located; return the stamp of that one."""
    for count in range(1000):
        found = offered(search, first_ms + count)
        if found is not None:
            return found, first_ms + count
        time.sleep(0.01)
    raise AssertionError('nothing was found')


def test_what_is_found_at_once_is_of_the_image_itself():
    relocalizer = Answers(PLACE)
    found = offered(Search(relocalizer, background=False), 5)
    located, images = found
    assert located == [PLACE]
    assert [image.stamp_ns for image in images] == [5_000_000]


def test_it_looks_as_often_as_it_may_by_the_stamps():
    relocalizer = Answers(None)
    search = Search(relocalizer, background=False)
    looked = []
    for ms in range(0, 1000, 50):
        before = len(relocalizer.hints)
        assert offered(search, ms) is None
        looked += [ms] * (len(relocalizer.hints) - before)
    assert looked == [0, 300, 600, 900]
    # Time that goes back is a new beginning.
    offered(search, -5000)
    assert len(relocalizer.hints) == 5


def test_an_image_that_shows_nothing_is_not_looked_at():
    relocalizer = Answers(PLACE)
    search = Search(relocalizer, background=False)
    noise = np.random.default_rng(2).normal(30, 8, SHAPE).clip(0, 255).astype(np.uint8)
    for ms, image in enumerate((np.zeros(SHAPE, np.uint8), np.full(SHAPE, 90, np.uint8), noise)):
        assert not shows_something(image)
        assert offered(search, ms, image) is None
    assert relocalizer.hints == []
    assert offered(search, 3) is not None


@pytest.mark.parametrize('hint_first', [False, True])
def test_the_hint_and_the_whole_map_take_turns(hint_first):
    relocalizer = Answers(None)
    search = Search(relocalizer, background=False)
    search.reset(hint_first)
    for ms in (0, 400, 800, 1200):
        offered(search, ms)
    at_hint = [hint is HINT for hint in relocalizer.hints]
    assert at_hint == [hint_first, not hint_first] * 2
    assert all(hint is HINT or hint is None for hint in relocalizer.hints)


def test_after_a_reset_it_looks_at_the_next_image():
    relocalizer = Answers(None)
    search = Search(relocalizer, background=False)
    offered(search, 0)
    search.reset()
    offered(search, 1)
    assert len(relocalizer.hints) == 2


def test_what_is_found_in_the_background_comes_with_the_images_since():
    relocalizer = Answers(PLACE)
    relocalizer.may_answer.clear()
    search = Search(relocalizer, background=True)
    for ms in range(0, 30, 10):
        assert offered(search, ms) is None
    relocalizer.may_answer.set()
    (located, images), newest_ms = until_found(search, 30)
    assert located == [PLACE]
    stamps = [image.stamp_ns for image in images]
    assert stamps[:3] == [0, 10_000_000, 20_000_000]
    assert stamps == sorted(stamps)
    assert stamps[-1] < newest_ms * 1e6
    assert len(relocalizer.hints) == 1


@pytest.mark.parametrize('count', [17, 40, 300])
def test_kept_images_are_few_and_evenly_apart(count):
    relocalizer = Answers(PLACE)
    relocalizer.may_answer.clear()
    search = Search(relocalizer, background=True)
    for number in range(count):
        assert offered(search, number) is None
    relocalizer.may_answer.set()
    (_, images), _ = until_found(search, count)
    stamps = np.array([image.stamp_ns for image in images])
    assert 8 <= len(images) - 1 <= 16
    assert len(set(np.diff(stamps))) == 1
    assert stamps[-1] > 0.8e6 * count


def test_if_nothing_is_found_in_the_background_the_newest_image_is_next():
    relocalizer = Answers(None)
    search = Search(relocalizer, background=True)
    for number in range(1000):
        assert offered(search, 400 * number) is None
        if len(relocalizer.hints) >= 3:
            break
        time.sleep(0.01)
    assert len(relocalizer.hints) >= 3
    search.close()


def test_what_was_looked_at_before_a_reset_is_dropped():
    relocalizer, other = Answers(PLACE), at(HINT)
    relocalizer.may_answer.clear()
    search = Search(relocalizer, background=True)
    assert offered(search, 0) is None
    search.reset()
    # One at a time: the old image is still in work.
    assert offered(search, 10) is None
    assert len(relocalizer.hints) == 1
    relocalizer.may_answer.set()
    wait_for_the_search()
    relocalizer.answer = other
    (located, images), _ = until_found(search, 20)
    assert images[0].stamp_ns >= 20_000_000
    assert located == [other]
    assert len(relocalizer.hints) == 2


@pytest.mark.parametrize('background', [False, True])
def test_a_failure_of_the_relocalizer_is_not_hidden(background):
    search = Search(Answers(RuntimeError('broken')), background)
    with pytest.raises(RuntimeError, match='broken'):
        until_found(search, 0)


def test_closing_waits_for_the_image_in_work():
    relocalizer = Answers(PLACE)
    relocalizer.may_answer.clear()
    search = Search(relocalizer, background=True)
    assert search.close()
    assert offered(search, 0) is None
    assert not search.close(timeout_s=0.05)
    relocalizer.may_answer.set()
    assert search.close()
    # What it found meanwhile is forgotten.
    relocalizer.may_answer.clear()
    assert offered(search, 1000) is None
    relocalizer.may_answer.set()
