"""SinGAN: a pyramid of small generators learned from the patches of one photograph."""
