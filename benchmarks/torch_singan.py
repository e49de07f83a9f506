"""Seconds of a SinGAN's iteration at each scale beside a plain PyTorch module's, in turn in one process.

    python benchmarks/torch_singan.py [--config singan_paper] [--size 250 188] [--scales 0 4 8] \\
        [--runs 5] [--output torch_singan.json]

Needs the extra `torch`. The PyTorch side has the same layers, losses, penalty and optimiser, and draws as
many samples of the coarser scales; it is written as one would there: NCHW, `nn.BatchNorm2d`, pictures of
one batch after the other, the penalty through `autograd.grad`, generated pictures made anew for each
update. Weights are untrained on both sides. Before anything is timed, the plain networks are given ours'
weights, and what they answer must agree.

Figures are medians over the runs. "ratio" is the median of ours over PyTorch's of the same turn, below 1
where ours is faster. CPU seconds are of all threads; PyTorch's also count its threads' busy waiting. The
peak is the fastest matrix product before and after, in float32.
"""

import argparse
import pathlib
import statistics
import sys
import time

import arithmetic
import jax
import matmul
import numpy as np
import record
import step
import torch
from torch import nn

from deepsim_jax import api
from deepsim_jax.runtime import hugepages
from deepsim_jax.systems.singan import networks
from deepsim_jax.systems.singan import source as photo

_MARGIN = 5  # pixels that the five convolutions take from each side


class Stack(nn.Sequential):
    """Five unpadded 3x3 convolutions, the first four with batch norm and leaky ReLU."""

    def __init__(self, width: int, out: int):
        layers: list[nn.Module] = []
        for i in range(4):
            layers += [nn.Conv2d(width if i else 3, width, 3), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Conv2d(width, out, 3))


class PlainScale:
    """One scale's training: `iterate` does one iteration, `generate` makes a picture."""

    def __init__(self, size: tuple[int, int], width: int, below: "PlainScale | None", optim, loss):
        self.size, self.below, self.optim, self.loss = size, below, optim, loss
        self.generator, self.discriminator = Stack(width, 3), Stack(width, 1)
        self.real = torch.rand(1, 3, *size) * 2 - 1
        self.optimisers = [
            torch.optim.Adam(net.parameters(), lr=5e-4, betas=(0.5, 0.999))
            for net in (self.discriminator, self.generator)
        ]

    def generate(self, noise: torch.Tensor, previous: torch.Tensor) -> torch.Tensor:
        padded = nn.functional.pad(0.1 * noise + previous, (_MARGIN,) * 4)
        return self.generator(padded).tanh() + previous

    @torch.no_grad()
    def previous(self) -> torch.Tensor:
        """A random sample of the coarser scales at this size; zeros where there are none."""
        if self.below is None:
            return torch.zeros_like(self.real)
        made = self.below.generate(torch.randn_like(self.below.real), self.below.previous())
        return nn.functional.interpolate(made, self.size, mode="bicubic").clamp(-1, 1)

    def iterate(self) -> float:
        noise, fixed = torch.randn_like(self.real), torch.zeros_like(self.real)
        of_critic, of_generator = self.optimisers
        for _ in range(self.optim.d_updates):
            previous = self.previous()
            with torch.no_grad():
                fake = self.generate(noise, previous)
            loss = self.discriminator(fake).mean() - self.discriminator(self.real).mean()
            self._update(of_critic, loss + self.loss.penalty * self._penalty(fake))
        shared = None
        for _ in range(self.optim.g_updates):
            error = (
                self.loss.reconstruction * (self.generate(fixed, previous) - self.real).square().mean()
            )
            if self.optim.g_slopes == "each" or shared is None:
                score = self.discriminator(self.generate(noise, previous)).mean()
            if self.optim.g_slopes == "each":
                self._update(of_generator, error - score)
                continue
            if shared is None:
                shared = torch.autograd.grad(-score, list(self.generator.parameters()))
            self._update(of_generator, error, shared)
        return float(error.detach())

    def _penalty(self, fake: torch.Tensor) -> torch.Tensor:
        mix = torch.rand(())
        mixed = (mix * self.real + (1 - mix) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(self.discriminator(mixed).sum(), mixed, create_graph=True)
        return (slope.norm(dim=1) - 1).square().mean()

    def _update(self, optimiser: torch.optim.Optimizer, loss: torch.Tensor, more=None):
        """One update down a loss, of the generator with further slopes added."""
        for each in self.optimisers:
            each.zero_grad()
        loss.backward()
        if more is not None:
            for parameter, slope in zip(self.generator.parameters(), more, strict=True):
                parameter.grad += slope
        optimiser.step()


def check_same_networks(width: int):
    """Gives the plain stacks the weights of ours of that width.

    Raises:
      RuntimeError: their parameters differ in number or their answers by more than rounding.
    """
    x = np.random.default_rng(0).uniform(-1, 1, (1, 25, 31, 3)).astype(np.float32)
    for out in (3, 1):
        ours, plain = networks.Stack(width, out), Stack(width, out)
        params = ours.init(jax.random.key(0), x)["params"]
        layers = [layer for layer in plain if not isinstance(layer, nn.LeakyReLU)]
        names = [f"{kind}_{i}" for i in range(4) for kind in ("conv", "norm")] + ["conv_4"]
        with torch.no_grad():
            for layer, name in zip(layers, names, strict=True):
                ours_of_layer = params[name]
                weight = np.asarray(ours_of_layer["kernel" if "kernel" in ours_of_layer else "scale"])
                layer.weight.copy_(
                    torch.tensor(weight.transpose(3, 2, 0, 1) if weight.ndim == 4 else weight)
                )
                layer.bias.copy_(torch.tensor(np.asarray(ours_of_layer["bias"])))
            answer = plain(torch.tensor(x.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
        counts = (
            sum(leaf.size for leaf in jax.tree.leaves(params)),
            sum(p.numel() for p in plain.parameters()),
        )
        error = np.abs(answer - np.asarray(ours.apply({"params": params}, x))).max()
        if counts[0] != counts[1] or error > 1e-4:
            raise RuntimeError(
                f"{width} channels: not the same networks: {counts[0]} and {counts[1]} parameters, "
                f"answers {error:.2g} apart"
            )


def measure(run, config, chosen: list[int], runs: int, peak: float) -> dict:
    """ "scale 0: 25x25 px" -> its figures."""
    found, earlier, plain = {}, None, None
    for stage in run.stages[: max(chosen) + 1]:
        number, size = stage.number, stage.task.size
        width = stage.task.pyramid.widths[number]
        plain = PlainScale(size, width, plain, config.optim, config.loss)
        state = jax.block_until_ready(stage.begin(earlier))
        if number in chosen:
            check_same_networks(width)
            name = f"scale {number}: {size[1]}x{size[0]} px"
            figures = _side_by_side(run, stage, earlier, state, plain, runs, peak)
            found[name] = {"channels": width, **figures}
            print(name, step.rounded(found[name]), file=sys.stderr, flush=True)
            state = stage.begin(earlier)
        if number < max(chosen):
            earlier = jax.block_until_ready(stage.handoff(earlier, state))
    return found


def _side_by_side(run, stage, earlier, state, plain: PlainScale, runs: int, peak: float) -> dict:
    compiled = run.compiled(stage)
    given = [compiled.place(tree) for tree in stage.inputs(earlier)]
    begun = time.process_time()
    state, _ = jax.block_until_ready(compiled(compiled.place(state), *given))
    compiling = time.process_time() - begun
    ours = step.threaded(lambda s: compiled(s, *given), state)
    times = step.alternately(
        {"ours": lambda: jax.block_until_ready(ours()), "torch": plain.iterate}, runs
    )
    gmac = arithmetic.lean_iteration(stage.task, stage.generator_updates, stage.slopes)["iteration"]
    figures: dict = {"ratio": {}, "cpu_seconds_of_the_first": compiling, "gmac": gmac}
    for kind in ("seconds", "cpu_seconds"):
        pairs = list(zip(times["ours"][kind], times["torch"][kind], strict=True))
        figures["ratio"][kind] = statistics.median(a / b for a, b in pairs)
    for name, measured in times.items():
        medians = {kind: statistics.median(values) for kind, values in measured.items()}
        figures[name] = medians | step.speed(gmac, medians["seconds"], peak)
    return figures


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="singan_paper", help="a config, changed keys after commas")
    parser.add_argument("--size", type=int, nargs=2, default=[250, 188], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--scales", type=int, nargs="*", default=[], help="which; by default all")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--torch_threads", type=int, default=0, help="0: torch's own choice")
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    if options.torch_threads:
        torch.set_num_threads(options.torch_threads)
    width, height = options.size
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    config = record.config(*record.read(options.config))
    run = api.build_run(photo.Photo(noise), config, pathlib.Path())
    chosen = options.scales or list(range(len(run.stages)))
    peak = matmul.peak(sizes=(2048,))
    scales = measure(run, config, chosen, options.runs, peak)
    share = peak / max(peak, matmul.peak(sizes=(2048,)))
    for figures in scales.values():
        for name in ("ours", "torch"):
            figures[name]["share_of_peak"] *= share
    record.write(
        options.output,
        {
            "config": options.config,
            "size": f"{width}x{height}",
            "runs": options.runs,
            "torch": {"version": torch.__version__, "threads": torch.get_num_threads()},
            "peak_gflops": peak / share,
            "scales": step.rounded(scales),
        },
    )


if __name__ == "__main__":
    hugepages.restart()  # as the command line
    main()
