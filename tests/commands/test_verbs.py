"""The verbs as declarations."""

from deepsim_jax.commands import verbs


def test_options_of_one_name_are_alike_in_all_verbs_of_a_name():
    for name in verbs.names():
        kinds = {}
        for offer in verbs.named(name):
            for option in offer.verb.options:
                assert kinds.setdefault(option.name, option.kind) == option.kind, (name, option.name)


def test_shared_verbs_are_no_systems():
    shared = {offer.verb.name for offer in verbs.offers() if offer.system is None}
    assert {"train", "train_folder", "table", "prepare"} <= shared
    assert not shared & {offer.verb.name for offer in verbs.offers() if offer.system}
    assert verbs.named("nothing") == []
