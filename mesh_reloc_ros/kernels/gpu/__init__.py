"""The solver's kernels for a GPU, in Triton. Imported only where the solver runs on one."""

from triton import TritonError

__all__ = ['TritonError']
