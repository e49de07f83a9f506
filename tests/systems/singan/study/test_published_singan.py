import numpy as np

from deepsim_jax.systems.singan.study import published as published_singan


def test_each_row_has_a_figure_for_each_column():
    for table in (*published_singan.INPAINTING, *published_singan.SAMPLES, *published_singan.ENLARGING):
        assert all(len(figures) == len(table.columns) for _, figures in table.rows)
        assert table.where and table.title


def test_the_printed_averages_are_those_of_the_printed_rows():
    for table in published_singan.INPAINTING:
        *rows, (label, average) = table.rows
        assert label == "average" and len(rows) == 5
        means = np.mean([figures for _, figures in rows], axis=0)
        # The report rounds some up and some down.
        np.testing.assert_allclose(average, means, atol=10.0**-table.digits)
