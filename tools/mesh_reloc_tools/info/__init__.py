"""What is in meshes, recordings and calibrations, and what would go wrong with them."""
