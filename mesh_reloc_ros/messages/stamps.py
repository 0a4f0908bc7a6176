"""Stamps of messages."""

from __future__ import annotations

from typing import Any

from mesh_reloc_ros.errors import InputError


def stamp_to_ns(stamp: Any) -> int:
    """Return a `builtin_interfaces/Time` in nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def stamp_of_image(image: Any) -> int:
    """Return the stamp of an image, raw or compressed, in nanoseconds.

    :raises InputError: the image has no stamp.
    """
    stamp_ns = stamp_to_ns(image.header.stamp)
    if stamp_ns == 0:
        raise InputError('image has no stamp: have the driver set header.stamp')
    return stamp_ns
