"""The GPU of the tests."""

import os
from collections.abc import Iterator
from contextlib import nullcontext

import pytest


@pytest.fixture
def gpu() -> Iterator[None]:
    """Have torch find a GPU: an emulated one, unless `evaluation/gpu/run.py` runs the tests."""
    from mesh_reloc_evaluation.emulated_gpu.emulation import emulated_gpu

    with nullcontext() if os.environ.get('MESH_RELOC_GPU') else emulated_gpu():
        yield
