"""SinGAN: the pyramid of a single photo, and what is made with it."""
