"""Text of mesh files in the encodings that programs and editors write."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

# Byte order marks, the longest first: that of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, 'utf-8'),
    (codecs.BOM_UTF32_LE, 'utf-32-le'),
    (codecs.BOM_UTF32_BE, 'utf-32-be'),
    (codecs.BOM_UTF16_LE, 'utf-16-le'),
    (codecs.BOM_UTF16_BE, 'utf-16-be'),
)
_LONGEST_SHOWN = 120
_CONTROL = re.compile(r'[\x00-\x1f\x7f-\x9f]+')


def encoding_of(start: bytes) -> tuple[str, int]:
    """Return the encoding of a text by its first bytes, and the length of its byte order mark."""
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name, len(mark)
    # UTF-16 without a mark: every second byte of ASCII characters is zero.
    even, odd = start[0:64:2], start[1:64:2]
    if len(odd) >= 4 and not any(odd) and all(even):
        return 'utf-16-le', 0
    if len(odd) >= 4 and not any(even) and all(odd):
        return 'utf-16-be', 0
    return 'utf-8', 0


def decoded(data: bytes) -> str:
    """Return the text of a file. Bytes of another code page than UTF-8 become surrogates."""
    name, mark = encoding_of(data[:64])
    errors = 'surrogateescape' if name == 'utf-8' else 'replace'
    return data[mark:].decode(name, errors)


def printable(text: str | Path) -> str:
    """Return a name from a file as messages can show it: in one line, not too long."""
    raw = str(text).encode('utf-8', 'surrogateescape' if _is_escaped(str(text)) else 'replace')
    shown = _CONTROL.sub(' ', raw.decode('utf-8', 'replace')).strip()
    return shown if len(shown) <= _LONGEST_SHOWN else f'{shown[:_LONGEST_SHOWN]}...'


def _is_escaped(text: str) -> bool:
    return not any('\ud800' <= letter <= '\udc7f' for letter in text)
