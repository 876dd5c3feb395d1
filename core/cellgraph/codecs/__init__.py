"""How values become bytes and come back equal."""
