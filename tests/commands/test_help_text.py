"""What --help shows, and how soon."""

import subprocess
import sys

import pytest

from deepsim_jax import main, registry
from deepsim_jax.commands import help_text, verbs


def test_the_overview_names_every_verb_and_config():
    text = help_text.overview()
    for name in (*verbs.names(), "quickstart", *(system.title for system in registry.systems())):
        assert name in text


@pytest.mark.parametrize("name", verbs.names())
def test_a_verbs_help_shows_its_own_flags_alone(name, capsys):
    for words in ([name, "--help"], [f"--mode={name}", "--help"], ["-h", f"--mode={name}"]):
        assert main.main(["deepsim_jax", *words]) == 0
    text = capsys.readouterr().out
    own = {option.name for offer in verbs.named(name) for option in offer.verb.options}
    every = {option.name for offer in verbs.offers() for option in offer.verb.options}
    assert all(f"  --{option}=" in text for option in own)
    assert not [option for option in every - own if f"  --{option}=" in text]
    assert max(map(len, text.splitlines())) <= 100


def test_help_with_a_config_explains_its_keys(capsys):
    assert main.main(["deepsim_jax", "train", "--config=singan_quickstart", "--help"]) == 0
    text = capsys.readouterr().out
    assert "--config.pyramid.steps=published|published_sr|nearest" in text
    assert "iterations of each scale (here " in text and "at least 1" in text


def test_help_and_a_mistyped_flag_need_nothing_slow():
    program = (
        "import sys; from deepsim_jax import main; "
        "codes = [main.main(['deepsim_jax', *w]) for w in "
        "([], ['edit', '--help'], ['train', '--workdir=w', '--x=1'], ['--mode=bake'])]; "
        "assert codes == [0, 0, 2, 2], codes; "
        "slow = {'jax', 'flax', 'cv2', 'scipy', 'matplotlib', 'skimage'} & set(sys.modules); "
        "assert not slow, slow"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
