"""The two stages: steps, devices, resuming."""

import subprocess
import sys

import jax
import numpy as np
import optax
import pytest

import deepsim_jax
from deepsim_jax import api, settings
from deepsim_jax.images import ranges
from deepsim_jax.systems.igan import collection, listings, measuring, stages
from deepsim_jax.systems.igan.networks import Sizes
from deepsim_jax.systems.igan.perception import perception
from deepsim_jax.training import checkpoint, devices, loop
from deepsim_jax.training import state as states
from deepsim_jax.training import step as steps

SIZES = Sizes(size=8, latent=4, g_filters=4, d_filters=4, most_filters=8)
BATCH = 8
ADAM = optax.scale_by_adam(b1=0.5, b2=0.99)


@pytest.fixture(scope="module")
def pair(tmp_path_factory, things):
    folder = tmp_path_factory.mktemp("pair")
    collection.Unread(listings.ArrayListing(things), 8, held_out=4).save(folder)
    return folder


def updates(count=8):
    return steps.Updates(
        moments=ADAM, g_rate=1e-3, d_rate=2e-3, steps=count, constant_steps=count, ema=0.9
    )


def game(pair, **changes):
    common = dict(sizes=SIZES, updates=updates(), seed=3, pictures=stages.Pictures(pair, mirror=True))
    return stages.GameStage(**common | changes)


def stepped(stage, previous, *, count=1, times=1):
    compiled = devices.Compiled(stage.make_step, batch=BATCH, count=count)
    state = compiled.place(stage.begin(previous))
    data, frozen = (compiled.place(tree) for tree in stage.inputs(previous))
    for _ in range(times):
        state, metrics = compiled(state, data, frozen)
    return devices.local(state), {name: float(value) for name, value in metrics.items()}


def near(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-5), one, other)


@pytest.mark.slow
@pytest.mark.parametrize("coverage", [0.0, 2.0])
def test_a_step_trains_all_networks_and_says_how_varied_the_samples_are(pair, coverage):
    stage = game(pair, r1=0.1, r1_every=2, augmented="always", l2=1e-4, d_updates=2, coverage=coverage)
    before = jax.device_get(stage.begin().params)
    state, metrics = stepped(stage, None, times=3)
    moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), before, jax.device_get(state.params))
    assert min(jax.tree.leaves(moved)) > 0
    assert int(state.step) == 3 and set(state.ema) == {"generator"}
    assert ("encoder" in state.params) == ("rebuilt_rmse" in metrics) == (coverage > 0)
    assert 0 < metrics["d_real"] < 1 and metrics["diversity"] > 0 and metrics["contrast"] > 0


@pytest.mark.slow
def test_the_penalty_comes_every_so_many_steps(pair):
    """Seldom, but as many times as strong, from step 0 on."""
    plain, often, seldom = (
        game(pair, r1=r1, r1_every=every) for r1, every in ((0.0, 1), (5.0, 1), (5.0, 100))
    )
    first = [
        jax.device_get(stepped(stage, None)[0].opt_state["discriminator"].mu) for stage in (plain, often)
    ]
    kernels = [tree["down_0"]["kernel"] for tree in first]
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-5
    # A hundred times as strong in the one step of a hundred that has it.
    strong = jax.device_get(stepped(seldom, None)[0].opt_state["discriminator"].mu)["down_0"]["kernel"]
    np.testing.assert_allclose(strong - kernels[0], 100 * (kernels[1] - kernels[0]), rtol=0.05, atol=1e-5)


@pytest.mark.slow
def test_a_game_that_leaves_nothing_out_hands_its_encoder_on(pair):
    quick = updates(60)._replace(g_rate=1e-2)
    stage = game(pair, updates=quick, coverage=40.0)
    first = stepped(stage, None)[1]["rebuilt_rmse"]
    state, metrics = stepped(stage, None, times=60)
    assert metrics["rebuilt_rmse"] < 0.8 * first
    assert stage.export(None, state).encoder is None, "it is not yet trained on a projection's cost"
    handed = stage.handoff(None, state)
    following = stages.EncoderStage(SIZES, quick, 3, stages.Pictures(pair), perception(0.0, 31))
    jax.tree.map(
        np.testing.assert_array_equal,
        following.begin(handed).params["encoder"],
        state.params["encoder"],
    )
    stepped(following, handed)
    assert np.isfinite(handed.encoder["dense"]["bias"]).all(), "a step must not use up what it began with"


@pytest.mark.slow
@pytest.mark.parametrize("d_norm, coverage", [("none", 0.0), ("batch", 2.0)])
def test_two_devices_do_what_one_does(pair, d_norm, coverage):
    sizes = Sizes(8, 4, 4, 4, 8, d_norm=d_norm)
    stage = game(pair, sizes=sizes, augmented="always", coverage=coverage)
    one, two = (stepped(stage, None, count=count) for count in (1, 2))
    near(one[0].opt_state["generator"].mu, two[0].opt_state["generator"].mu)
    near(one[0].opt_state["discriminator"].mu, two[0].opt_state["discriminator"].mu)
    assert one[1]["g_loss"] == pytest.approx(two[1]["g_loss"], rel=1e-3)


@pytest.mark.slow
def test_the_encoder_learns_and_the_generator_stays(pair, random_networks):
    assert random_networks.sizes == SIZES
    learned, pictures = random_networks.replace(encoder=None), stages.Pictures(pair)
    quick = updates(60)._replace(g_rate=1e-2)
    encoder = stages.EncoderStage(SIZES, quick, 3, pictures, perception(0.0, 31))
    shown = ranges.to_float(pictures.collection.pictures)

    def error(whole):
        return float(np.square(measuring.rebuilt(whole, shown) - shown).mean())

    first = error(encoder.export(learned, encoder.begin(learned)))
    state, metrics = stepped(encoder, learned, times=60)
    whole = encoder.export(learned, state)
    # What an untrained generator makes depends little on z: there is little to gain.
    assert error(whole) < 0.98 * first and metrics["cost"] > 0 and metrics["rmse"] > 0
    assert whole.generator is learned.generator and whole.encoder is state.params["encoder"]
    one, two = (stepped(encoder, learned, count=count)[0] for count in (1, 2))
    near(one.opt_state["encoder"].mu, two.opt_state["encoder"].mu)


def test_small_collections_are_augmented_by_themselves(pair):
    auto, never, always = (game(pair, augmented=word) for word in ("auto", "never", "always"))
    assert auto.augments and always.augments and not never.augments


PROGRAM = """
import os, signal, sys, numpy as np, deepsim_jax
from deepsim_jax import settings
from deepsim_jax.training import listeners

class Killed(listeners.Listener):
    def saved(self, step):
        if step == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

config = settings.load("igan_quickstart:tiny")
with config.unlocked():
    config.train.ema, config.train.save_every, config.train.measure_every = 0.9, 2, 0
things = np.load(sys.argv[3])
deepsim_jax.train(things, config=config, workdir=sys.argv[1], listener=Killed())
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, things):
    folder = tmp_path_factory.mktemp("undisturbed")
    np.save(folder / "things.npy", things)
    start(folder / "run", -1, folder)
    return folder


def start(run, killed_at, folder):
    words = [sys.executable, "-c", PROGRAM, str(run), str(killed_at), str(folder / "things.npy")]
    return subprocess.run(words, check=killed_at < 0).returncode


def trees(run):
    """What the last checkpoint holds."""
    config, source = api.read_config(run), api.load_source(run)
    saver = checkpoint.Checkpoints(run / "checkpoints", read_only=True)
    place = loop.restore(api.build_run(source, config, run), saver, saver.latest())
    return states.to_trees(place.state, place.previous)


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 4, 6], ids=["game", "between", "encoder"])
def test_a_killed_run_continues_bit_for_bit_in_each_stage(undisturbed, tmp_path, step):
    run = tmp_path / "run"
    assert start(run, step, undisturbed) == -9
    model = deepsim_jax.load(run)
    assert model.step == step and not model.finished and (model.learned.encoder is None) == (step <= 4)
    start(run, -1, undisturbed)
    ours, theirs = trees(run), trees(undisturbed / "run")
    assert int(ours["training"]["step"]) == 4 and "generator" not in ours and "earlier" in ours
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)
    rows, expected = ((r / "metrics.jsonl").read_text() for r in (run, undisturbed / "run"))
    assert rows == expected


@pytest.mark.slow
def test_a_stopped_training_continues_bit_for_bit(tmp_path, things, trained_igan):
    """In one process, asked to stop within each stage: the quick form of the test above."""
    config = settings.load("igan_quickstart:tiny")
    calls = []

    def stop():
        calls.append(None)
        return len(calls) in (2, 5)

    for step in (2, 5, 8):
        model = deepsim_jax.train(things, config=config, workdir=tmp_path / "run", stop=stop)
        assert model.step == step and model.finished == (step == 8)
    jax.tree.map(np.testing.assert_array_equal, model.learned, trained_igan.learned)
