import pathlib

import pytest

from deepsim_jax.runtime.paths import cache_folder, user_path


@pytest.mark.parametrize(
    "text, place",
    [
        ("~", ""),
        ("~/runs/me", "runs/me"),
        ("~/Tom & Jerry/10:45.png", "Tom & Jerry/10:45.png"),
        (pathlib.Path("~/a"), "a"),
    ],
)
def test_a_leading_tilde_is_the_home_folder(monkeypatch, tmp_path, text, place):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path(text) == tmp_path / place


@pytest.mark.parametrize("text", ["a/~/b", "~draft of nobody.png", "photo~", "", "C:me.py", "Ж/日本.png"])
def test_other_names_stay_as_they_are(text):
    assert user_path(text) == pathlib.Path(text)


def test_the_cache_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "deepsim_jax"
    home = pathlib.Path.home() / ".cache" / "deepsim_jax"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder() == home
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == home
