"""From words to a call: verbs, flags, keys of configs, in every spelling."""

import pytest

from deepsim_jax import main
from deepsim_jax.commands import parse
from deepsim_jax.errors import UserError
from deepsim_jax.systems.contract import Option, Verb


def read(*words):
    return parse.read_call(parse.read_request(["deepsim_jax", *words]))[1]


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--config=quickstart", "--workdir=w", "--config.train.steps=7"],
        ["train", "--config", "quickstart", "--workdir", "w", "--config.train.steps", "7"],
        ["--config.train.steps=7", "--config=quickstart", "--workdir=w"],
        ["--config.train.steps", "7", "--workdir", "w", "--mode", "train", "--config", "quickstart"],
        ["--mode=train", "-workdir=w", "--config=quickstart", "--config.train.steps=7"],
    ],
)
def test_every_spelling_means_the_same(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call = read(*words)
    assert call.verb == "train" and call.workdir == tmp_path / "w" and call.config.train.steps == 7
    assert call.options == {"extend": False, "distributed": False} and call.extend is False


def test_keys_of_every_kind_are_read():
    call = read(
        "--config=quickstart",
        "--workdir=w",
        "--config.augment.tps_points=(4,5)",
        "--config.augment.canny_sigmas=1.5,2",
        "--noconfig.data.thin_edges",
        "--config.train.tensorboard",
        "--config.optim.g_rate=1e-4",
        "--config.train.steps=1e3",
        "--config.data.image=a b=c.png",
        "--extend",
    )
    assert call.config.augment.tps_points == (4, 5) and call.config.augment.canny_sigmas == (1.5, 2)
    assert call.config.data.thin_edges is False and call.config.train.tensorboard is True
    assert call.config.optim.g_rate == 1e-4 and call.config.data.image == "a b=c.png" and call.extend
    assert call.config.train.steps == 1000
    with pytest.raises(UserError, match="--config.train.steps=1.5"):
        read("--config=quickstart", "--workdir=w", "--config.train.steps=1.5")


def test_a_program_may_have_a_verb_of_its_own(capsys):
    verb = Verb(
        "mine",
        "does it",
        (Option("count", "int", "how often", default=1),),
        f"{__name__}:print_count",
        takes_config=True,
        default_config="singan_quickstart",
        needs_workdir=False,
    )
    request = parse.read_own_request(["mine.py", "--count=3", "--config.train.steps=7"], verb)
    _, call = parse.read_call(request)
    assert (call.count, call.config.system, call.config.train.steps) == (3, "singan", 7)
    assert main.main(["mine.py", "--count=3"], verb) == 5 and capsys.readouterr().out == "3\n"
    assert main.main(["mine.py", "--help"], verb) == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: python mine.py --flag=value") and "singan_quickstart" in text
    assert main.main(["mine.py", "--extend"], verb) == 2
    assert "--extend is not for mine" in capsys.readouterr().err


def print_count(call):
    print(call.count)
    return 5


def test_a_runs_own_config_is_changed_where_none_is_named(trained):
    call = read("train", f"--workdir={trained.workdir}", "--config.train.steps=9", "--extend")
    assert call.config.train.steps == 9 and call.config.model.filters == 4


@pytest.mark.parametrize(
    "words, message",
    [
        (["bake"], "bake: value should be one of <train"),
        (["--mode=bake", "--workdir=w"], "flag --mode=bake: value should be one of <train"),
        (["edit", "--mode=train"], "edit and --mode=train: name one verb"),
        (["train"], "--workdir is needed for train"),
        (["--config=quickstart"], "--workdir is needed for --mode=train"),
        (["train", "--workdir=w", "photo.png"], "'photo.png': what is this"),
        (["train", "--workdir=w", "--keep=auto"], "--keep is not for train, which takes --extend"),
        (["train", "--workdir=w", "--kepe=auto"], "Unknown command line flag 'kepe'"),
        (["sample", "--workdir=w", "--keep=auto"], "a SinGAN takes --mask"),
        (["--mode=sample", "--workdir=w", "--times=2"], "--times is not for --mode=sample of SinGAN"),
        (["sample", "--workdir=w", "--count=0"], "--count=0: .* lower bound|positive"),
        (["train", "--workdir=w", "--config.train.steps=7"], "--config is needed for a new run"),
        (["train", "--workdir=w", "--config=quickstart", "--config.train.stps=7"], "'train.steps'"),
        (["train", "--workdir=w", "--config=quickstart", "--noconfig.train.stps"], "'train.steps'"),
        (["train", "--workdir=w", "--config=quickstart", "--config.train.steps=x"], "value like 950"),
        (["train", "--workdir=w", "--config=quickstart", "--config.augment.tps_points=x"], "tuple"),
        (["train", "--workdir=w", "--config=quickstart", "--config.augment.tps_points=4"], "2 numbers"),
        (["train", "--workdir=w", "--config=quickstart", "--config.train.tensorboard=2"], "tensorboard"),
        (
            ["train", "--workdir=w", "--config=quickstart", "--config.data.kind=drawn"],
            "data.kind='drawn'",
        ),
        (["edit", "--workdir=w", "--input=a", "--output=b"], "no run in this folder"),
        (["table", "--workdir=w", "--rows=none"], "value should be one of <baseline"),
    ],
)
def test_what_is_wrong_is_one_line(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message) as error:
        read(*words)
    assert "\n" not in str(error.value)


def test_a_verb_that_two_systems_have_is_that_of_the_run(trained, trained_singan):
    for model, own, other in ((trained, "keep", "mask"), (trained_singan, "mask", "keep")):
        words = ["edit", f"--workdir={model.workdir}", "--input=a.png", "--output=b.png"]
        assert read(*words, f"--{own}=c.png").options[own] == "c.png"
        with pytest.raises(UserError, match=f"--{other} is (not )?for"):
            read(*words, f"--{other}=c.png")
    with pytest.raises(UserError, match="is a run of deepsim, which has --mode=edit"):
        read("--mode=sample", f"--workdir={trained.workdir}", "--output=a.png")
    with pytest.raises(UserError, match="is a run of deepsim, which has edit, evaluate"):
        read("sample", f"--workdir={trained.workdir}", "--output=a.png")


def test_sizes_are_height_and_width(trained_singan):
    words = ["sample", f"--workdir={trained_singan.workdir}", "--output=a.png"]
    assert read(*words, "--size=40x20").size == (20, 40)
    with pytest.raises(UserError, match="--size=40: give WIDTHxHEIGHT"):
        read(*words, "--size=40")
