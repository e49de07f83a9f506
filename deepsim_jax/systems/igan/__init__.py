"""iGAN: edits a photo on the manifold of a collection of pictures (Zhu et al. 2016, arXiv 1609.03552)."""
