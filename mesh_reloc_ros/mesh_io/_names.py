"""Find the files that a mesh file names: names are written in many ways, and files move."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io._text import printable

# A name that is not UTF-8 is read in each of these: of Western Europe, DOS, Mac, Cyrillic, Japan,
# China.
_CODE_PAGES = ('cp1252', 'cp437', 'cp850', 'mac_roman', 'cp1251', 'cp932', 'gb18030')
_QUOTED = re.compile(r'"([^"]*)"|\'([^\']*)\'')
_WORD = re.compile(rf'{_QUOTED.pattern}|\S+')
_COMMENT = re.compile(r'\s*#.*$')
_OPTION = re.compile(r'-[a-z_]+$', re.IGNORECASE)
_NUMBER = re.compile(r'[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$', re.IGNORECASE)
# Of a name, in characters and words.
_LONGEST, _MOST_WORDS = 4096, 16
# Options of a map_Kd line with one word as their value; the others have up to three numbers.
_WORD_OPTIONS = {'-blendu', '-blendv', '-cc', '-clamp', '-imfchan', '-type'}


def find_file(names: Iterable[str], folders: Sequence[Path]) -> Path | None:
    """Return the file that one of the names means, the most literal reading first.

    A file that is not where its name says is looked for beside the mesh, by the end of its path.
    Case, Unicode normal form and code page may differ.

    :param names: readings of what is written. :param folders: where relative names start.
    :raises InputError: several files fit equally well.
    """
    names = [name for name in dict.fromkeys(names) if 0 < len(name) <= _LONGEST]
    found = (find(name, folders) for find in (_literal, _similar) for name in names)
    return next(filter(None, found), None)


def readings(value: str) -> list[str]:
    """Return what may be meant by the value of a line: with and without comment and options."""
    value = value.strip()
    uncommented = _COMMENT.sub('', value)
    bare = _without_options(uncommented)
    candidates = (value, _without_options(value), uncommented, bare)
    found = [reading for text in candidates for reading in (text, _unquoted(text))]
    return [*found, unquote(found[-1])]


def split_names(value: str, folders: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the files that a line with several names means, and the names without a file.

    Names may contain spaces: the longest that is a file counts.
    """
    value = _COMMENT.sub('', value.strip())
    if len(value) > _LONGEST:
        return [], [value]
    words = [match[1] or match[2] or match[0] for match in _WORD.finditer(value)]
    files, missing = [], []
    while words:
        counts = range(1, min(len(words), _MOST_WORDS) + 1)
        attempts = [(_literal, count) for count in reversed(counts)]
        attempts += [(_similar, count) for count in counts]
        for find, count in attempts:
            file = find(' '.join(words[:count]), folders)
            if file is not None:
                files.append(file)
                del words[:count]
                break
        else:
            missing.append(words.pop(0))
    return files, missing


def spellings_of_material(name: str) -> set[str]:
    """Return keys of which names share one if they differ in case, quotes, comments or encoding."""
    return _spellings(' '.join(_unquoted(_COMMENT.sub('', name.strip())).split()))


def is_file(path: Path) -> bool:
    """Whether a path is a file; no path that the system cannot express is one."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _literal(name: str, folders: Sequence[Path]) -> Path | None:
    return next((folder / name for folder in folders if is_file(folder / name)), None)


def _similar(name: str, folders: Sequence[Path]) -> Path | None:
    """Return the file whose path ends like `name`, the longest end first.

    :raises InputError: several files fit equally well.
    """
    parts = _parts(name)
    for start in range(len(parts)):
        for folder in folders:
            found = _fitting(folder, parts[start:])
            if len(found) > 1:
                fitting = ', '.join(printable(path.name) for path in found)
                raise InputError(
                    f'{printable(name)} may mean several files in {folder}: {fitting}: keep one'
                )
            if found:
                return found[0]
    return None


def _without_options(value: str) -> str:
    """Return a texture's name without the options before it."""
    while True:
        option, _, rest = value.partition(' ')
        if not (_OPTION.match(option) and rest.strip()):
            return value
        value = rest.strip()
        values = 1 if option.lower() in _WORD_OPTIONS else 3
        for _ in range(values):
            word, _, rest = value.partition(' ')
            is_value = _NUMBER.match(word) or option.lower() in _WORD_OPTIONS
            if not (is_value and rest.strip()):
                break
            value = rest.strip()


def _unquoted(text: str) -> str:
    match = _QUOTED.match(text)
    return text if match is None else match[1] or match[2] or ''


def _parts(name: str) -> tuple[str, ...]:
    """Return the parts of a path of any system, without drive and root."""
    path = PurePosixPath(re.sub(r'^(file://|[A-Za-z]:)', '', name).replace('\\', '/'))
    return tuple(part for part in path.parts if part not in ('/', '//'))


def _fitting(folder: Path, parts: Sequence[str]) -> list[Path]:
    """Return the files whose path from a folder is spelled like `parts`."""
    places = [folder]
    for part in parts:
        places = [found for place in places for found in _entries(place, part)]
    return [place for place in places if is_file(place)]


def _entries(folder: Path, name: str) -> list[Path]:
    if name == '..':
        return [folder / name]
    try:
        if (folder / name).exists():
            return [folder / name]
        wanted = _spellings(name)
        return sorted(entry for entry in folder.iterdir() if wanted & _spellings(entry.name))
    except (OSError, ValueError):
        return []


def _spellings(name: str) -> set[str]:
    """Return the readings of a name, in one case and one normal form."""
    found = {name}
    try:
        name.encode('utf-8')
    except UnicodeEncodeError:
        found = set()
        raw = name.encode('utf-8', 'surrogateescape')
        for page in _CODE_PAGES:
            try:
                found.add(raw.decode(page))
            except UnicodeDecodeError:
                continue
    return {unicodedata.normalize('NFC', reading).casefold() for reading in found}
