"""Picture files and pictures as arrays: read, written, masked, composited."""
