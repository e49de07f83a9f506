"""The systems, as siblings that never import each other."""
