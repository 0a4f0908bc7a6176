"""Arguments of the launch files that none of them has: misspelt ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from mesh_reloc_ros.config.declaration import settings_of
from mesh_reloc_ros.config.node import NodeSettings

_FILES = ('mesh_reloc.launch.py', 'replay.launch.py', 'two_cameras.launch.py')
# Of names that resemble each other. Another launch file has arguments of its own: it takes more.
_LIKE, _MUCH_ALIKE = 0.6, 0.88


def unknown_arguments(
    file: str, known: Iterable[str], given: Iterable[str], command: Sequence[str]
) -> list[str]:
    """Return a line for each unknown argument; launch itself ignores these.

    If another launch file includes this one, only names that are much like a known one are
    reported: the others may belong to that file.

    :param file: name of the launch file that asks.
    :param known: its arguments and those of the files that it includes; deprecated names of
        parameters are known, too.
    :param given: all that have a value.
    :param command: words of the command that launched.
    """
    launched = {PurePath(word).name for word in command}
    if file in launched:
        given = [word.partition(':=')[0] for word in command if ':=' in word]
    elif launched.intersection(_FILES):
        return []
    names = sorted(known)
    deprecated = {name for each in settings_of(NodeSettings) for name in each.deprecated_names}
    lines = []
    for name in sorted(set(given) - deprecated - set(names)):
        cutoff = _LIKE if file in launched else _MUCH_ALIKE
        similar = difflib.get_close_matches(name, names, n=1, cutoff=cutoff)
        if similar:
            lines.append(f'unknown argument {name}: did you mean {similar[0]}?')
        elif file in launched:
            lines.append(f'unknown argument {name}: ignored; --show-args lists them all')
    return lines
