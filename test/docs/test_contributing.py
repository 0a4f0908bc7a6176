"""CONTRIBUTING.md describes the code as it is."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'CONTRIBUTING.md').read_text()


def test_every_file_that_it_names_exists():
    named = re.findall(r'`((?:[a-z0-9_]+/)+(?:[a-z0-9_]+\.[a-z]+)?)`', PAGE)
    assert len(named) > 20
    bases = (ROOT, ROOT / 'mesh_reloc_ros')
    missing = [name for name in named if not any((base / name).exists() for base in bases)]
    assert missing == []


def test_the_table_of_layers_has_every_package():
    packages = {path.parent.name for path in (ROOT / 'mesh_reloc_ros').glob('*/__init__.py')}
    modules = {path.name for path in (ROOT / 'mesh_reloc_ros').glob('*.py')} - {'__init__.py'}
    table = PAGE.split('## Layers')[1].split('\n## ')[0]
    rows = [line.split('|')[1] for line in table.splitlines() if line.startswith('| `')]
    listed = re.findall(r'`([a-z_.]+)/?`', ' '.join(rows))
    assert sorted(listed) == sorted(packages | modules)
