"""The tables of SinGAN: samples, enlarging, inpainting."""
