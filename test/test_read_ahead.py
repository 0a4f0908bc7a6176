"""Items are made one ahead, and come in order."""

import threading

import pytest
from support.patience import LONG_S

from mesh_reloc_ros.read_ahead import read_ahead


def test_the_next_item_is_made_while_one_is_used():
    made = [threading.Event() for _ in range(4)]

    def numbers():
        for number, event in enumerate(made):
            event.set()
            yield number

    for number in read_ahead(numbers()):
        assert all(event.wait(LONG_S) for event in made[: number + 2])
        assert not any(event.is_set() for event in made[number + 2 :])
    assert number == 3


def test_what_fails_does_so_after_the_items_before():
    def failing():
        yield 1
        yield 2
        raise ValueError('broken')

    found = []
    with pytest.raises(ValueError, match='broken'):
        found.extend(read_ahead(failing()))
    assert found == [1, 2]
    assert list(read_ahead([])) == []


def test_who_stops_early_ends_the_thread():
    begun = threading.active_count()
    items = read_ahead(iter(int, 1))
    assert next(items) == 0
    assert threading.active_count() == begun + 1
    items.close()
    assert threading.active_count() == begun
