"""Benchmarks, stress tests, studies and the demo of mesh_reloc_ros."""
