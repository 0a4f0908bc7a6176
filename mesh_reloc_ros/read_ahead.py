"""Items that are made one ahead, on a thread: an image is decoded while a GPU works on the last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar('Item')


def read_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items; while one is used, a thread makes the next.

    :raises Exception: what making an item raised, once those before are used.
    """
    iterator = iter(items)

    def following() -> tuple[Item, ...]:
        for item in iterator:
            return (item,)
        return ()

    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(following)
        while made := coming.result():
            coming = thread.submit(following)
            yield made[0]
