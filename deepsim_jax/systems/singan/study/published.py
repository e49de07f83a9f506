"""The figures that the papers on SinGAN print, and why ours can or cannot be compared with them."""

from deepsim_jax.sweeps.picture_tables import Printed

_REPORT = "El Mennaoui and Kerroumi, Image manipulation with generative adversarial networks"

INPAINTING_NOTE = (
    "Absolute values differ from the report's for several reasons. Its pictures, its holes and the size "
    "of its trainings are not published; these here are five that every installation has. It compares "
    "whole pictures with a reference picture; here the true picture is known, and SSIM is also taken "
    "inside the hole alone, which is harder. Its formula of SSIM is misprinted (c1 in place of c2 in the "
    "last factor, constants without squares); here it is the standard one. Its model of salience is not "
    "named, so only the order of values of ASVS means something. NVIDIA's tool is a web page and cannot "
    "be run here."
)

INPAINTING = (
    Printed(
        "SSIM, printed",
        ("OpenCV (Telea)", "NVIDIA", "SinGAN"),
        (
            ("Movie", (0.92, 0.32, 0.88)),
            ("Birds", (0.94, 0.96, 0.95)),
            ("Mountains", (0.21, 0.16, 0.56)),
            ("forest", (0.24, 0.18, 0.92)),
            ("car", (0.95, 0.95, 0.79)),
            ("average", (0.65, 0.51, 0.82)),
        ),
        2,
        f"{_REPORT}, tables 1 and 3",
    ),
    Printed(
        "ASVS, printed",
        ("OpenCV (Telea)", "NVIDIA", "SinGAN"),
        (
            ("Movie", (0.005, 0.045, 0.006)),
            ("Birds", (0.068, 0.051, 0.066)),
            ("Mountains", (0.059, 0.053, 0.049)),
            ("forest", (0.034, 0.037, 0.034)),
            ("car", (0.15, 0.135, 0.181)),
            ("average", (0.063, 0.064, 0.067)),
        ),
        3,
        f"{_REPORT}, tables 2 and 3",
    ),
)

SAMPLES = (
    Printed(
        "Samples, printed",
        ("SIFID", "diversity"),
        (
            ("coarsest scale, Places50", (0.09, 0.5)),
            ("second coarsest scale, Places50", (0.05, 0.35)),
            ("SIGD16, measured by a third party (FRPSS, 20 samples)", (0.27, None)),
        ),
        2,
        "Shaham, Dekel and Michaeli 2019, section 3.1; the last row: FRPSS 2026, table 1",
        "Its program takes SIFID over 64 channels of torchvision's Inception-v3, as the column SIFID-64 "
        "does. Places50 are 50 photos of mountains, hills, deserts and skies; figures of other photos or "
        "smaller trainings cannot be compared with them.",
    ),
)

ENLARGING = (
    Printed(
        "Super-resolution by 4, printed",
        ("RMSE", "NIQE"),
        (
            ("SRGAN", (16.34, 3.41)),
            ("EDSR", (12.29, 6.50)),
            ("DIP", (13.82, 6.35)),
            ("ZSSR", (13.08, 7.13)),
            ("SinGAN", (16.22, 3.71)),
        ),
        2,
        "Shaham, Dekel and Michaeli 2019, section 4, super-resolution of BSD100",
        "Measured on BSD100, and with another program's statistics of photographs, so that its NIQE has "
        "another scale than this one. Only the order of methods can be compared.",
    ),
)
