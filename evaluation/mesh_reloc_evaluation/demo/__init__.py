"""`mesh_reloc demo`: a recording of the painted room, tracked by the node over DDS."""
