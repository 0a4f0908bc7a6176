"""`mesh_reloc bench`: accuracy and cost of the tracker beside other methods."""
