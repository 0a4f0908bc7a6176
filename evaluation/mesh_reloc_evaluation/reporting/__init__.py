"""Reports of evaluation commands: tables, plots, JSON, and the machine they ran on."""
