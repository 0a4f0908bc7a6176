"""A GPU emulated on the CPU; see `emulation`."""
