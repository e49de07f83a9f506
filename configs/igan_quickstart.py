"""iGAN in minutes on a laptop: learns pictures of one kind at 32 px, then edits photos of that kind.

    launch/get_shoes.sh shoes/
    deepsim_jax train --config=configs/igan_quickstart.py --workdir=runs/shoes \\
        --config.data.pictures=shoes/ --config.data.classes=5,7,9
    deepsim_jax samples --workdir=runs/shoes --output=samples.png

Any folder of pictures of one kind will do: `--config.data.pictures=my-pictures/`, without the classes;
some hundreds show variety, and small collections are augmented by themselves.

A quick form of DCGAN instead of the published one: convolutions of 4x4 written for a CPU, no norm in the
discriminator but the standard deviation over groups of samples, R1, a moving average of the generator;
and an encoder that is trained along, so that no picture is left out (`loss.coverage`).
Time: some 8 minutes on two quiet cores of an AMD EPYC, to the report, by the times of its steps; on a
slower one (146 ms a step) 14 minutes.
Expected score: on the 21,000 shoes, held-out pictures projected with an RMSE of 18.5 of 255 after 2,400
steps (23.5 without the encoder that is trained along) and a Fréchet distance (VGG16) of the samples of
119 then; 80 after 5,000 with a `loss.coverage` of 40; results/README.md.

Options: `igan_quickstart.py:tiny` shrinks everything for a test.
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "" or "tiny"."""
    config = settings.default("igan")
    config.data.size = 32
    config.data.held_out = 1000
    config.model.latent = 64
    config.model.g_filters = 64
    config.model.d_filters = 32
    config.model.most_filters = 128
    config.model.kernel = "4x4"
    config.model.d_norm = "none"
    config.model.spread = True
    config.loss.l2 = 0.0
    config.loss.r1 = 0.05
    config.loss.coverage = 10.0
    config.optim.g_rate = config.optim.d_rate = 1e-3
    config.optim.b2 = 0.99
    config.train.steps = 5000
    config.train.constant_fraction = 0.8
    config.train.ema = 0.995
    config.train.batch = 32
    config.train.augment = "auto"
    config.train.save_every = 1000
    config.train.preview_every = 1000
    config.train.measure_every = 2500
    config.encoder.steps = 600
    config.encoder.rate = 1e-3
    config.perception.size = 64
    settings.apply_option(config, option)
    return config
