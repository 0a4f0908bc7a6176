"""Measures mesh_reloc_ros: benchmarks, stress tests, studies and the demo."""
