"""The rules for modules in CONTRIBUTING.md."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRODUCT = ROOT / 'mesh_reloc_ros'
# Packages whose modules are found by name, and what the node is started from.
ENTRY_POINTS = ('cli', 'kernels.gpu', 'ros.main', 'ros.node')
MAX_LINES = 300


def name_of(path: Path) -> str:
    return '.'.join(path.relative_to(ROOT).with_suffix('').parts)


def imported(path: Path) -> set[str]:
    """Return the names of modules and of what is taken from them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f'{node.module}.{alias.name}' for alias in node.names}
    return names


def test_modules_that_only_their_own_package_uses_begin_with_an_underscore():
    users = [PRODUCT, ROOT / 'examples', ROOT / 'launch', *ROOT.glob('*/mesh_reloc_*/')]
    used = {path: imported(path) for user in users for path in user.rglob('*.py')}
    documented = (ROOT / 'docs' / 'python_api.md').read_text()
    hidden = []
    for path in PRODUCT.glob('*/**/*.py'):
        name = name_of(path)
        is_entry = name.removeprefix('mesh_reloc_ros.').startswith(ENTRY_POINTS)
        if path.stem.startswith('_') or is_entry or f'from {name} import' in documented:
            continue
        package = PRODUCT / path.relative_to(PRODUCT).parts[0]
        if not any(
            name in names for user, names in used.items() if not user.is_relative_to(package)
        ):
            hidden.append(name)
    assert hidden == []


def test_modules_are_short():
    lengths = {name_of(path): path.read_text().count('\n') for path in PRODUCT.rglob('*.py')}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}
