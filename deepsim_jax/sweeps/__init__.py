"""Many trainings in folders of their own, made one after the other and resumable."""
