import numpy as np

from deepsim_jax.images import contact_sheet as sheets


def flat(value, height, width):
    return np.full((height, width, 3), value, np.uint8)


def test_pictures_lie_in_rows_and_columns_unchanged():
    rows = [("one", [flat(10, 20, 90), flat(20, 30, 60)]), ("two", [flat(30, 25, 70)])]
    sheet = sheets.contact_sheet(rows)
    assert sheet.dtype == np.uint8 and sheet.shape == (22 + 30 + 6 + 22 + 25 + 6, 90 + 6 + 60, 3)
    assert (sheet[22:42, :90] == 10).all() and (sheet[22:52, 96:] == 20).all()
    assert (sheet[80:105, :70] == 30).all()
    for rest in (sheet[42:58, :90], sheet[22:58, 90:96], sheet[80:, 70:]):
        assert (rest == 255).all()
    # Something dark is written above each row, at its left.
    assert sheet[:22, :40].min() < 100 and sheet[58:80, :40].min() < 100


def test_labels_are_not_cut_and_columns_have_theirs():
    label = "a label that is far wider than the picture is"
    sheet = sheets.contact_sheet([(label, [flat(0, 10, 12)])])
    longer = sheets.contact_sheet([(label + " today", [flat(0, 10, 12)])])
    assert longer.shape[1] > sheet.shape[1] > 200
    assert (sheet[:, -2:] == 255).all()
    sheet = sheets.contact_sheet([("x", [flat(0, 10, 50)] * 2)], columns=["left", "right"])
    assert sheet.shape == (22 + 22 + 10 + 6, 106, 3)
    assert sheet[:22, :50].min() < 100 and sheet[:22, 56:].min() < 100
