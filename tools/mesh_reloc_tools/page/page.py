"""A page as a file: template, style, programs and data in one."""

from __future__ import annotations

import html
import json
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.files import atomic_write

_ASSETS = files('mesh_reloc_tools.page') / 'assets'
_CODE = ('viewer.js', 'charts.js', 'main.js')


def check_page(path: Path) -> None:
    """Refuse a page that could not be written, before the work begins.

    :raises InputError: its folder does not exist, or its name is not that of a page.
    """
    if path.suffix.lower() not in ('.html', '.htm'):
        raise InputError(f'--html {path}: give a name that ends in .html')
    if not path.parent.is_dir():
        raise InputError(f'--html {path}: the folder {path.parent} does not exist')


def write_page(
    path: Path, title: str, summary: str, data: dict[str, Any], content: str = ''
) -> None:
    """Write a page whole or not at all.

    :param summary: plain text, as the title. :param data: what the programs of the page draw; see
        `assets/main.js`. :param content: HTML below the mesh.
    :raises InputError: it cannot be written.
    """
    page = Template(_asset('page.html')).substitute(
        title=html.escape(title),
        summary=html.escape(summary),
        style=_asset('page.css'),
        content=content,
        # A text in the data must not end the element that holds it.
        data=json.dumps(data, separators=(',', ':'), allow_nan=False).replace('</', '<\\/'),
        licence=_asset('three.LICENSE'),
        three=_asset('three.min.js'),
        code=''.join(map(_asset, _CODE)),
    )
    try:
        with atomic_write(path) as temporary:
            temporary.write_text(page, encoding='utf-8')
    except OSError as error:
        raise InputError(f'page {path} cannot be written: {error}') from error


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding='utf-8')
