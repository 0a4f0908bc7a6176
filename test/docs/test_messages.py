"""Messages that the documentation quotes are those of the code."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Tables whose first column quotes messages.
_PAGES = ('troubleshooting.md', 'nav2.md')
# Words of the quotes that the code formats into its messages.
_VALUES = re.compile(r"\b(image|camera_info|5)\b|''")


def strings_of_the_code() -> list[str]:
    """Return every string in the package, a line break in place of each formatted value."""
    found = []
    for module in sorted((ROOT / 'mesh_reloc_ros').rglob('*.py')):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else '\n' for p in node.values)
                found.append(''.join(parts))
    return found


def quoted_messages(page: str) -> list[str]:
    """Return what stands in backticks in the first column of the tables of messages."""
    messages, is_inside = [], False
    for line in (ROOT / 'docs' / page).read_text().splitlines():
        if not line.startswith('|'):
            is_inside = False
        elif line.startswith('| message'):
            is_inside = True
        elif is_inside:
            messages += re.findall(r'`([^`]+)`', line.split('|')[1])
    return messages


def is_in(strings: list[str], part: str) -> bool:
    """Return whether a string contains this part of a message, with or without its values."""
    with_values = _VALUES.sub('\n', part)
    return any(part in string or with_values in string for string in strings)


@pytest.mark.parametrize('page', _PAGES)
def test_quoted_messages_exist(page):
    strings, messages = strings_of_the_code(), quoted_messages(page)
    parts = [part.strip() for message in messages for part in message.split('...')]
    assert parts
    assert [part for part in parts if part and not is_in(strings, part)] == []
