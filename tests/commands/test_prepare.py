"""The verb "prepare"."""


def test_sequences_become_a_set_that_the_same_word_opens(call, tmp_path, sequence_folder):
    code, out, err = call("prepare", f"--input={sequence_folder}", f"--output={tmp_path / 'set'}")
    assert code == 0 and out.splitlines()[-1] == f"tfds:{tmp_path / 'set'}", err
    from deepsim_jax.sequences import frames

    assert len(frames.only_sequence(out.splitlines()[-1])) == 4


def test_it_needs_no_workdir_but_both_flags(call, tmp_path):
    code, _, err = call("prepare", f"--input={tmp_path}")
    assert code == 2 and "--output is needed for prepare" in err
