"""iGAN's tables: reconstruction by three solvers, models of one class and of several, edit transfer."""
