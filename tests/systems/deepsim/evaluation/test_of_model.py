"""What a model's evaluation compares, and what it says of the run."""

import pytest
from moving_box import SEG, moving_box

from deepsim_jax.systems.deepsim.evaluation import of_model


@pytest.mark.parametrize(
    "network, compared", [("", ["copied"]), ("1a2b3c4d", ["network", "both", "copied"])]
)
def test_a_network_is_compared_with_its_copy(monkeypatch, tmp_path, network, compared):
    asked = {}

    def measure(methods, held_out, folder, **given):
        asked.update(given, folder=folder)
        for method in methods:
            method.edit("drawing")
        return [method.key for method in methods]

    monkeypatch.setattr(of_model.protocol, "measure", measure)
    monkeypatch.setattr(of_model.evaluation_page, "write", lambda folder: None)
    sequence, engines = moving_box(), []
    found = of_model.evaluate(
        lambda drawing, engine: engines.append(engine),
        sequence,
        sequence.image(0),
        sequence.part("segmentation", 0),
        SEG,
        folder=tmp_path,
        about={"steps": 3, "network": network},
    )
    assert found == compared
    assert engines == [{"copied": "copy"}.get(key, key) for key in compared]
    assert asked["about"] == {"steps": 3, "network": network} and asked["folder"] == tmp_path
    assert asked["heldout"] == []
