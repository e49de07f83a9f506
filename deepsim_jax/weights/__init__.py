"""Finding, verifying and converting weights that were trained elsewhere."""
