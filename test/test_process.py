"""What a process takes of the machine: memory of large arrays goes back at once (glibc)."""

import platform
import subprocess
import sys

import pytest

# After the first array is freed, glibc would put arrays of its size on the heap, where what is
# allocated later keeps them.
PROGRAM = """
import re
import numpy as np
from mesh_reloc_ros.process import share_heaps

def resident():
    return int(re.search(r'VmRSS:\\s+(\\d+)', open('/proc/self/status').read())[1]) / 1e3

share_heaps()
np.ones(24_000_000, np.uint8)
before = resident()
array = np.ones(23_000_000, np.uint8)
later = [bytes(100_000) for _ in range(20)]
del array
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='it is for glibc')
def test_memory_of_a_large_array_goes_back_although_others_came_later():
    output = subprocess.run(
        [sys.executable, '-c', PROGRAM], check=True, capture_output=True, text=True
    ).stdout
    assert float(output) < 10
