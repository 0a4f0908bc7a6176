"""`mesh_reloc study`: measurements that the default settings are based on."""
