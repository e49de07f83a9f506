"""What may be said of curves over steps, and what may not."""

import pytest

from deepsim_jax.systems.deepsim.study import curves


def curve(key, seed, values, sequence="street"):
    points = [{"step": 100 * n, "lpips_alex": v} for n, v in enumerate(values, 1)]
    return {"key": key, "label": key, "sequence": sequence, "seed": seed, "points": points}


def test_a_verdict_needs_every_seed_on_one_side():
    found = curves.compare(
        [
            curve("a", 0, [0.5, 0.3, 0.1]),
            curve("a", 1, [0.6, 0.2, 0.2]),
            curve("b", 0, [0.4, 0.25, 0.3]),
            curve("b", 1, [0.45, 0.4, 0.3]),
        ],
        "a",
        "b",
    )
    assert [p["verdict"] for p in found] == ["worse", "overlap", "better"]
    assert [p["step"] for p in found] == [100, 200, 300]
    assert found[0]["median"] == pytest.approx((0.55, 0.425))


def test_only_steps_that_all_seeds_have_are_compared():
    found = curves.compare([curve("a", 0, [0.5, 0.3, 0.1]), curve("b", 0, [0.4])], "a", "b")
    assert [p["step"] for p in found] == [100]
    assert curves.compare([curve("a", 0, [0.5])], "a", "b") == []


def test_crossings_are_reported_and_overlap_is_no_claim():
    better = [curve("a", s, [0.5, 0.3, 0.1, 0.1]) for s in (0, 1)]
    worse = [curve("b", s, [0.4, 0.4, 0.4, 0.4]) for s in (0, 1)]
    (sentence,) = curves.findings(better + worse, ["a", "b"])
    assert sentence == (
        "street, 2 seeds: every seed of “a” is worse than every seed of “b” at step 100; every seed of "
        "“a” is better than every seed of “b” from step 200 to 400. Medians at step 400: 0.1000 and "
        "0.4000; they cross between steps 100 and 200."
    )
    close = [curve("b", 0, [0.4] * 4), curve("b", 1, [0.05, 0.05, 0.05, 0.05])]
    (sentence,) = curves.findings(better + close, ["a", "b"])
    assert "the seeds overlap (no claim) from step 200 to 400" in sentence


def test_figures_that_are_not_numbers_are_left_out():
    found = curves.compare([curve("a", 0, [None, 0.1]), curve("b", 0, [0.2, 0.2])], "a", "b")
    assert [p["step"] for p in found] == [200]


def test_one_seed_allows_no_sentence_and_sequences_are_kept_apart():
    assert curves.findings([curve("a", 0, [0.1]), curve("b", 0, [0.2])], ["a", "b"]) == []
    both = [
        curve(k, s, [v], name)
        for name in ("street", "face")
        for s in (0, 1)
        for k, v in (("a", 0.1), ("b", 0.2))
    ]
    found = curves.findings(both, ["a", "b"])
    assert [sentence.split(",")[0] for sentence in found] == ["street", "face"]
    assert all("do not cross" in sentence for sentence in found)
