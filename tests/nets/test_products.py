import pytest

from deepsim_jax.nets import products


@pytest.mark.parametrize("height, limit, count", [(9, 900, 1), (9, 899, 2), (10, 350, 4), (3, 1, 3)])
def test_bands_cover_all_rows_within_the_limit(height, limit, count):
    bands = products._bands(height, 100, limit)
    assert len(bands) == count
    assert [i for first, rows in bands for i in range(first, first + rows)] == list(range(height))
    assert max(rows for _, rows in bands) * 100 <= max(limit, 100)
    assert len(products._bands(1000, 100, 1)) == products._MOST_BANDS
