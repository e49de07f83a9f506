from deepsim_jax.evaluate.columns import COLUMNS


def test_columns_are_explained_in_a_sentence():
    for key, column in COLUMNS.items():
        assert key.isidentifier() and column.about.endswith("."), key
    assert {key for key, column in COLUMNS.items() if not column.lower} == {"ssim", "psnr"}
    assert len({column.label for column in COLUMNS.values()}) == len(COLUMNS)
