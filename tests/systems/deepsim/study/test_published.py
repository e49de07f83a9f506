"""The rows of the tables: their keys exist, their trainings are what the papers describe."""

import pytest

from deepsim_jax import settings
from deepsim_jax.systems.deepsim.study import published


@pytest.mark.parametrize("name", published.TABLES)
def test_rows_are_folders_and_their_keys_are_config_keys(name):
    rows = published.TABLES[name].rows
    keys = [row.key for row in rows]
    assert len(set(keys)) == len(keys) and not {"unchanged", "copied"} & set(keys)
    for row in rows:
        assert row.key.replace("-", "").replace("_", "").isalnum()
        settings.unflatten({**settings.flatten(settings.default()), **row.changes})


def test_the_baseline_differs_in_its_augmentations_only():
    ours, baseline = published.BASELINE.rows
    assert not ours.changes
    assert {key.partition(".")[0] for key in baseline.changes} == {"augment"}
    assert baseline.changes["augment.tps"] == 0
    assert baseline.changes["augment.crop"] > 0 and baseline.changes["augment.flip"] == 0.5
    assert ours.printed == {"lpips": 0.216, "sifid": 0.127}


def test_the_thirteen_augmentations_always_mirror_and_say_what_is_drawn():
    rows = {row.key: row for row in published.AUGMENTATIONS.rows}
    assert len(rows) == 13
    assert all(row.changes["augment.flip"] == 0.5 for row in rows.values())
    for key, row in rows.items():
        on = {k.removeprefix("augment.") for k, v in row.changes.items() if v} - {"flip"}
        spoken = {
            "tps": "tps",
            "crop": "crop",
            "rot": "rotation",
            "cutmix": "cutmix",
            "shear": "shear",
            "canny": "canny",
        }
        named = {spoken[part] for part in key.split("-")[1:]}
        if key == "all":
            assert on == set(spoken.values()) - {"crop"}
        elif key == "none":
            assert not on
        else:
            assert on == named | {"tps"}
            assert row.changes["augment.tps"] == int(key[3:5]) / 100
