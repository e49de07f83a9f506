import json

import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.sweeps import picture_tables
from deepsim_jax.sweeps.picture_tables import Result, Row


def table(**changes):
    about = {
        "title": "A table",
        "note": "of nothing",
        "columns": ["ssim", "rmse"],
        "absent": {},
        "published": (),
        "settings": {"steps": 5},
    }
    return picture_tables.Table(**{**about, **changes})


def result(ssim, rmse):
    return Result(
        [
            Row("ours", "ours", {"ssim": ssim, "rmse": rmse}),
            Row("truth", "the true one", {"ssim": 1.0}, True),
        ]
    )


def test_picture_by_picture_and_resumable(tmp_path):
    made, stop = [], [True]

    def make(folder):
        made.append(folder.name)
        if folder.name == "b" and stop:
            return None
        return {"a": result(0.5, 4.0), "b": result(0.7, 6.0), "c": result(0.0, 8.0)}[folder.name]

    makers = dict.fromkeys("abc", make)
    first = picture_tables.run(tmp_path, table(), makers)
    assert made == ["a", "b"] and first["pending"] == ["b", "c"] and len(first["pictures"]) == 1
    assert "Not finished, still to come: b, c" in (tmp_path / "report.html").read_text()
    stop.clear()
    found = picture_tables.run(tmp_path, table(), makers)
    assert made == ["a", "b", "b", "c"] and not found["pending"]
    ours, truth = found["averages"]
    assert ours["figures"] == pytest.approx({"ssim": 0.4, "rmse": 6.0})
    assert truth["figures"] == {"ssim": 1.0}
    assert json.loads((tmp_path / "table.json").read_text()) == found
    assert picture_tables.run(tmp_path, table(), makers) == found and len(made) == 4


def test_a_failure_does_not_end_the_table_and_is_tried_again(tmp_path):
    broken = [True]

    def make(folder):
        if folder.name == "a" and broken:
            raise UserError("photo a: too small")
        return result(0.5, 4.0)

    found = picture_tables.run(tmp_path, table(), dict.fromkeys("ab", make))
    assert found["failed"] == {"a": "photo a: too small"} and not found["pending"]
    assert [picture["name"] for picture in found["pictures"]] == ["b"]
    assert "photo a: too small" in (tmp_path / "report.html").read_text()
    broken.clear()
    assert not picture_tables.run(tmp_path, table(), dict.fromkeys("ab", make))["failed"]


def test_other_columns_are_measured_again(tmp_path):
    made = []

    def make(folder):
        made.append(folder)
        return result(0.5, 4.0)

    picture_tables.run(tmp_path, table(), {"a": make})
    found = picture_tables.run(tmp_path, table(columns=["ssim"]), {"a": make})
    assert len(made) == 2 and found["averages"][0]["figures"] == {"ssim": 0.5}


def test_refuses_the_folder_of_another_table(tmp_path):
    picture_tables.run(tmp_path, table(), {"a": lambda folder: result(1, 1)})
    with pytest.raises(UserError, match="other settings .steps: 5 -> 6"):
        picture_tables.run(tmp_path, table(settings={"steps": 6}), {})
    (tmp_path / "a" / "figures.json").write_text("{")
    with pytest.raises(UserError, match="figures.json: damaged"):
        picture_tables.run(tmp_path, table(), {"a": lambda folder: result(1, 1)})
