"""The photometric model in plain tensor operations: the reference of the compiled code."""
