"""How far off a start pose may be: the basin of convergence."""
