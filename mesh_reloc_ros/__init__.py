"""Camera pose in a textured mesh, tracked by photometric alignment."""
