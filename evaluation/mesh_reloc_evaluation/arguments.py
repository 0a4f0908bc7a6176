"""Command-line arguments that several evaluation commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

OVERRIDES = ('device', 'rasterizer')
"""Settings that every command takes as an argument."""


def add_ground_truth(parser: argparse.ArgumentParser) -> None:
    """Declare the file of true poses."""
    parser.add_argument(
        '--ground-truth',
        type=Path,
        metavar='TRUTH.tum',
        help="true poses; default: the bag's only PoseStamped topic",
    )


def add_output_folder(parser: argparse.ArgumentParser, default: str) -> None:
    """Declare the folder for the results."""
    parser.add_argument(
        '--output',
        type=Path,
        default=Path(default),
        metavar='DIR',
        help='folder for metrics and plots (default: %(default)s)',
    )
