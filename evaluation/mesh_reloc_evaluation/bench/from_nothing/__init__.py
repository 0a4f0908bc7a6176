"""`mesh_reloc bench --from-nothing`: how often the camera is found without a start pose."""
