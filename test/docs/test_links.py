"""Links, anchors and pictures in all Markdown files of the repository."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r'\]\(([^)\s]+)\)')
_CODE = re.compile(r'^ *```.*?^ *```|`[^`\n]*`', re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r'^#+ +(.*)$', re.MULTILINE)


def markdown_files() -> list[str]:
    """Return the paths of all Markdown files that git tracks or would track."""
    command = ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '*.md']
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    present = [name for name in sorted(set(listed)) if (ROOT / name).is_file()]
    # Without git, as in an unpacked archive.
    return present or ['README.md', *(f'docs/{page.name}' for page in (ROOT / 'docs').glob('*.md'))]


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    text = re.sub(r'^ *```.*?^ *```', '', page.read_text(), flags=re.MULTILINE | re.DOTALL)
    seen: Counter[str] = Counter()
    found = set()
    for heading in _HEADING.findall(text):
        words = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', heading)
        slug = re.sub(r'[^\w\- ]', '', words).strip().lower().replace(' ', '-')
        found.add(f'{slug}-{seen[slug]}' if seen[slug] else slug)
        seen[slug] += 1
    return found


@pytest.mark.parametrize('name', markdown_files())
def test_every_link_leads_somewhere(name):
    page = ROOT / name
    broken = []
    for link in _LINK.findall(_CODE.sub('', page.read_text())):
        if re.match(r'[a-z]+:', link):
            continue
        path, _, anchor = link.partition('#')
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            broken.append(f'{link}: no such file')
        elif anchor and anchor not in anchors(target):
            broken.append(f'{link}: no such heading')
    assert broken == []


def test_every_page_of_the_documentation_is_in_its_index():
    docs = ROOT / 'docs'
    linked = set(_LINK.findall((docs / 'README.md').read_text()))
    assert {page.name for page in docs.glob('*.md')} - {'README.md'} <= linked
