"""The systems that can be trained, each complete in one folder. Systems do not import each other."""
