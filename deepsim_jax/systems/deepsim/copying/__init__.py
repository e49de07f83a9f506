"""Editing by copying: each pixel of an edit is taken from where the photo shows it, untrained."""
