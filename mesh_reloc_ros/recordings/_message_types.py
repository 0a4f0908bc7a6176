"""Whether a bag defines its message types as ROS does: bags bring their own definitions."""

from __future__ import annotations

import functools
from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore


@functools.cache
def _standard(is_ros2: bool) -> Typestore:
    return get_typestore(Stores.LATEST if is_ros2 else Stores.ROS1_NOETIC)


def lacking(store: Typestore, name: str, is_ros2: bool) -> str:
    """Return the first field of a message type that a bag's definition lacks; empty if none.

    :param store: the types of the bag. :param name: of a type that ROS has.
    """
    defined = dict(store.fielddefs[name][1]) if name in store.fielddefs else {}
    for field, kind in _standard(is_ros2).fielddefs[name][1]:
        if defined.get(field) != kind:
            return f'{name}.{field}'
        # An array or sequence has the type of its elements, and a length.
        part: Any = kind[1][0] if kind[0] in (Nodetype.ARRAY, Nodetype.SEQUENCE) else kind
        if part[0] == Nodetype.NAME and (found := lacking(store, part[1], is_ros2)):
            return found
    return ''
