import dataclasses
import logging
import os

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.images import ranges
from deepsim_jax.primitives import edges, label_maps
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim import pair
from deepsim_jax.systems.deepsim import warp as resample

SHAPE = 40, 50


@pytest.fixture(scope="module")
def photo():
    """A bright disk on a dark slope, with a little noise."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    disk = (x - 24) ** 2 + (y - 18) ** 2 < 120
    color = np.where(disk[..., None], [220, 180, 40], [40, 60, 90]) + x[..., None]
    noise = np.random.default_rng(0).integers(0, 9, (*SHAPE, 3))
    return (color + noise).astype(np.uint8)


@pytest.fixture(scope="module")
def drawing():
    """A super primitive of three colours with one-pixel black lines."""
    drawn = np.zeros((*SHAPE, 3), np.uint8)
    drawn[:, :25], drawn[:, 25:] = (200, 30, 30), (30, 200, 60)
    drawn[5:15, 30:45] = (30, 60, 220)
    drawn[20, 5:40] = 0
    return drawn


def folder(root, **parts):
    """Writes pictures given as folder=picture or folder={name: picture}; None: an empty folder."""
    for name, given in parts.items():
        (root / name).mkdir(parents=True)
        if given is not None:
            named = given if isinstance(given, dict) else {"1.png": given}
            for file, picture in named.items():
                Image.fromarray(picture).save(root / name / file)
    return root


def rendered(source, multiple):
    """The primitive that the step is given, as a picture."""
    return ranges.to_uint8(resample.render(pair.to_device(source, multiple=multiple)))


@pytest.mark.parametrize(
    "parts, given, kind",
    [
        (["train_seg"], {"segmentation"}, "seg"),
        (["train_edges"], {"edges"}, "edges"),
        (["train_seg", "train_edges"], {"segmentation", "edges"}, "seg_edges"),
    ],
)
def test_the_authors_folders_tell_the_kind(tmp_path, photo, drawing, parts, given, kind):
    root = folder(tmp_path, train_B=photo, test_seg=drawing, **dict.fromkeys(parts, drawing))
    found, files, found_kind = pair.folder_layout(root)
    assert found == root / "train_B" / "1.png" and found_kind == kind and set(files) == given
    assert all(path.parent.parent == root for path in files.values())


def test_empty_folders_ask_for_automatic_edges(tmp_path, photo, drawing):
    root = folder(tmp_path / "a", train_B=photo, train_edges=None)
    assert pair.folder_layout(root)[1:] == ({}, "edges")
    root = folder(tmp_path / "b", train_B=photo, train_seg=drawing, train_edges=None)
    _, files, kind = pair.folder_layout(root)
    assert kind == "seg_edges" and set(files) == {"segmentation"}


def test_drawings_belong_to_the_photo_of_the_same_name(tmp_path, photo, drawing):
    root = folder(
        tmp_path,
        train_B={"b.jpg": photo, "c.png": photo, "notes.webp": photo},
        train_seg={"a.png": drawing, "b.png": drawing},
    )
    (root / "train_B" / "a.txt").write_text("not a picture")
    found, files, _ = pair.folder_layout(root)
    assert found.name == "b.jpg" and files["segmentation"].name == "b.png"


def test_incomplete_folders_are_told(tmp_path, photo, drawing):
    with pytest.raises(UserError, match="data.root=.*none: no such folder"):
        pair.folder_layout(tmp_path / "none")
    with pytest.raises(UserError, match="train_B with a photo is needed"):
        pair.folder_layout(folder(tmp_path / "a", train_seg=drawing, train_B=None))
    for number, parts in enumerate([{}, {"train_seg": None}]):
        with pytest.raises(UserError, match="train_seg or train_edges is needed"):
            pair.folder_layout(folder(tmp_path / f"b{number}", train_B=photo, **parts))


@pytest.mark.parametrize(
    "kind, options",
    [
        ("edges", {}),
        ("edges", dict(edge_color="white", canny_sigma=1.0)),
        ("seg", {}),
        ("seg", dict(method="kmeans", colors=3)),
        ("seg_edges", {}),
        ("seg_edges", dict(thin=False)),
        ("paint", {}),
        ("landmarks", dict(landmarks={"points": [{"xy": [9, 9]}]})),
    ],
)
@pytest.mark.parametrize("multiple", [1, 16])
def test_rendering_the_device_pair_gives_the_padded_primitive_back(photo, kind, options, multiple):
    source = pair.prepare(photo, kind=kind, **options)
    assert source.spec.kind == kind and source.primitive.shape == source.image.shape
    padded, _ = images.pad_to_multiple(source.primitive, multiple)
    np.testing.assert_array_equal(rendered(source, multiple), padded)
    on_device = pair.to_device(source, multiple=multiple)
    padded, _ = images.pad_to_multiple(photo, multiple)
    np.testing.assert_array_equal(ranges.to_uint8(on_device.image), padded)
    assert (on_device.edges is None) == (kind not in ("edges", "seg_edges"))
    assert on_device.image.dtype == on_device.regions.dtype == jnp.float32
    assert on_device.edge_value == (1.0 if options.get("edge_color") == "white" else -1.0)


def test_a_given_drawing_is_what_the_step_sees(photo, drawing):
    source = pair.prepare(photo, drawing, kind="seg_edges")
    np.testing.assert_array_equal(source.primitive, drawing)
    np.testing.assert_array_equal(rendered(source, 16), images.pad_to_multiple(drawing, 16)[0])
    assert set(source.spec.palette) == {(200, 30, 30), (30, 200, 60), (30, 60, 220)}


def test_a_smooth_painting_is_interpolated_and_flat_regions_are_not(photo, drawing):
    noisy = np.random.default_rng(1).integers(0, 256, (*SHAPE, 3), np.uint8)
    painting = cv2.GaussianBlur(noisy, (0, 0), 3)
    for drawn, kind, smooth in [
        (painting, "paint", True),
        (drawing, "paint", False),
        (drawing, "seg", False),
    ]:
        on_device = pair.to_device(pair.prepare(photo, drawn, kind=kind), multiple=1)
        assert on_device.smooth_regions == smooth


def test_parts_of_a_primitive_are_used(photo, drawing):
    lines = np.full((*SHAPE, 3), 255, np.uint8)
    lines[10, 8:30] = 0
    seg = np.where((drawing == 0).all(-1, keepdims=True), np.uint8([30, 200, 60]), drawing)
    source = pair.prepare(photo, kind="seg_edges", segmentation=seg, edge_map=lines)
    layers = primitives.decompose(source.primitive, source.spec)
    np.testing.assert_array_equal(layers.edges, (lines == 0).all(-1))
    assert {tuple(c) for c in layers.regions.reshape(-1, 3)} == set(source.spec.palette)
    source = pair.prepare(photo, kind="edges", edge_map=255 - lines, edge_color="white")
    np.testing.assert_array_equal(source.primitive, 255 - lines)


def test_other_sizes_than_the_photos_are_refused(photo, drawing):
    for name, given in [
        ("primitive", dict(primitive=drawing[:, :40])),
        ("segmentation", dict(segmentation=drawing[:, :40])),
        ("edges", dict(edge_map=drawing[:, :40])),
    ]:
        with pytest.raises(UserError, match=f"{name}: 40x40 px, .* photo's size 50x40"):
            pair.prepare(photo, **given)
    with pytest.raises(UserError, match="kind of primitive 'oil'"):
        pair.prepare(photo, kind="oil")


def test_a_large_photo_is_trained_at_the_limit_and_kept_at_its_size(caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    y, x = np.mgrid[:3000, :4000]
    large = np.stack([x // 16, y // 12, (x - 2000) ** 2 + (y - 1500) ** 2 < 10**6], -1)
    large = (large * [1, 1, 200]).astype(np.uint8)
    source = pair.prepare(large, kind="edges", max_side=64)
    assert source.photo.shape == (3000, 4000, 3) and source.image.shape == (48, 64, 3)
    assert source.primitive.shape == (48, 64, 3)
    for part in ("photo 4000x3000 px", "trained at 64x48", "data.max_side=64", "keep at 4000x3000"):
        assert part in caplog.text
    caplog.clear()
    pair.prepare(large[:40, :50], max_side=64)
    assert caplog.messages == ["photo 50x40 px: trained and edited at its own size"]


def test_a_drawing_is_shrunk_with_its_photo_without_new_colours(photo, drawing):
    large = [np.repeat(np.repeat(a, 4, 0), 4, 1) for a in (photo, drawing)]
    source = pair.prepare(*large, kind="seg_edges", max_side=50)
    assert source.image.shape == source.primitive.shape == (*SHAPE, 3)
    seen = {tuple(c) for c in source.primitive.reshape(-1, 3).tolist()}
    assert seen == {(200, 30, 30), (30, 200, 60), (30, 60, 220), (0, 0, 0)}


@pytest.mark.parametrize("kind", ["edges", "seg", "seg_edges", "paint"])
def test_a_reduced_pair_is_drawn_alike(photo, kind):
    source = pair.prepare(photo, kind=kind)
    small = pair.reduced(source, 0.5)
    height, width = source.image.shape[:2]
    assert small.image.shape == small.primitive.shape
    assert small.image.shape[:2] == pytest.approx((height / 2, width / 2), abs=1)
    assert small.spec == source.spec and small.photo is source.photo
    if kind != "paint":
        colors = {tuple(color) for color in source.primitive.reshape(-1, 3)}
        assert {tuple(color) for color in small.primitive.reshape(-1, 3)} <= colors
    device = pair.to_device(small, multiple=4)
    np.testing.assert_allclose(
        ranges.to_uint8(resample.render(device))[: small.image.shape[0], : small.image.shape[1]],
        small.primitive,
        atol=1,
    )


def test_further_edge_layers_are_the_photos_at_their_sigmas(photo):
    source = pair.prepare(photo, kind="seg_edges")
    layers = pair.to_device(source, multiple=16, canny_sigmas=(1.0, 3.0)).edges
    assert layers.shape == (3, 48, 64, 2)
    for offsets, sigma in zip(layers[1:], (1.0, 3.0), strict=True):
        expected = edges.thin_edges(edges.canny_edges(photo, sigma=sigma))
        np.testing.assert_array_equal(np.asarray(offsets == 0).all(-1)[:40, :50], expected)
    np.testing.assert_array_equal(layers[0], pair.to_device(source, multiple=16).edges[0])
    with pytest.raises(UserError, match="augment.canny: a primitive of kind 'seg' has no edges"):
        pair.to_device(pair.prepare(photo, kind="seg"), multiple=1, canny_sigmas=(1.0,))


@pytest.mark.parametrize("kind", ["edges", "seg_edges", "paint"])
def test_a_source_comes_back_from_its_folder(tmp_path, photo, kind):
    source = pair.prepare(photo, kind=kind, max_side=45)
    source.save(tmp_path)
    back = pair.Source.load(tmp_path)
    assert back.spec == source.spec and back.hash() == source.hash()
    for name in ("photo", "image", "primitive"):
        np.testing.assert_array_equal(getattr(back, name), getattr(source, name))


def test_the_hash_knows_picture_drawing_and_spec_but_not_the_memory_order(photo, drawing):
    source = pair.prepare(photo, drawing)
    other = source.image.copy()
    other[3, 4, 1] ^= 1
    swapped = source.image.reshape(50, 40, 3)
    for change in (
        dict(image=other),
        dict(primitive=other),
        dict(image=swapped),
        dict(spec=dataclasses.replace(source.spec, thin=False)),
    ):
        assert dataclasses.replace(source, **change).hash() != source.hash()
    same = dataclasses.replace(source, image=np.asfortranarray(source.image))
    assert same.hash() == source.hash()


def test_damaged_folders_are_told(tmp_path, photo):
    with pytest.raises(UserError, match="primitive.json: cannot be read"):
        pair.Source.load(tmp_path)
    pair.prepare(photo).save(tmp_path)
    for text in ("", "{}", "[1]", '{"kind": "oil", "palette": null}'):
        (tmp_path / "primitive.json").write_text(text)
        with pytest.raises(UserError):
            pair.Source.load(tmp_path)
    pair.prepare(photo).save(tmp_path)
    os.truncate(tmp_path / "photo.png", 100)
    with pytest.raises(UserError, match="photo .*photo.png: damaged"):
        pair.Source.load(tmp_path)


def test_levels_survive_the_way_to_floats_and_back():
    levels = np.arange(256, dtype=np.uint8)
    floats = ranges.to_float(levels)
    assert floats.dtype == np.float32 and floats[0] == -1 and floats[-1] == 1
    np.testing.assert_array_equal(ranges.to_uint8(floats), levels)
    np.testing.assert_array_equal(ranges.to_uint8(np.float32([-9, 9])), [0, 255])


@pytest.mark.parametrize("kind", ["seg", "seg_edges", "paint"])
def test_class_numbers_are_trained_on_in_colours_that_differ(tmp_path, photo, kind, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    levels = np.zeros(SHAPE, np.uint16)
    levels[:, 25:], levels[5:15, 30:45], levels[30:] = 1, 2, 3
    for source in (levels, levels.astype(np.uint8), tmp_path / "a.png"):
        Image.fromarray(levels.astype(np.uint8)).save(tmp_path / "a.png")
        source = pair.prepare(photo, source, kind=kind)
        assert len({tuple(c) for c in source.primitive.reshape(-1, 3)}) == 4
        assert label_maps.numbers_of(source.spec.palette) is not None
    assert "a label map of 4 classes (0 to 3)" in caplog.text
    # As the authors' train_seg, and as the regions below lines.
    root = folder(tmp_path / "root", train_B=photo, train_seg=levels.astype(np.uint8))
    given = pair.folder_layout(root)[1]
    below = pair.prepare(photo, kind="seg", **given)
    np.testing.assert_array_equal(below.primitive, label_maps.to_colors(levels))
    # Saved and read again, nothing is lost: the numbers are known by their colours.
    source.save(tmp_path / "run")
    back = pair.Source.load(tmp_path / "run")
    assert back.hash() == source.hash()
    assert set(back.spec.to_json()) == {"kind", "edge_color", "palette", "thin", "canny_sigma"}


def test_a_drawing_of_one_colour_is_refused(photo):
    for level in (0, 3, 255):
        flat = np.full(SHAPE, level, np.uint8)
        for given in (dict(primitive=flat, kind="seg"), dict(segmentation=flat, kind="seg")):
            with pytest.raises(UserError, match="single colour"):
                pair.prepare(photo, **given)
    with pytest.raises(UserError, match="single colour"):
        pair.prepare(photo, np.zeros((*SHAPE, 3), np.uint8) + 9, kind="seg_edges")


def test_what_was_merged_is_said(photo, caplog):
    caplog.set_level(logging.INFO, "deepsim_jax")
    drawn = np.full((*SHAPE, 3), (200, 30, 30), np.uint8)
    drawn[:, 25:] = 30, 200, 60
    soft = cv2.GaussianBlur(drawn, (0, 0), 1.0)
    pair.prepare(photo, soft, kind="seg")
    (line,) = [line for line in caplog.messages if "merged" in line]
    assert "drawing: 2 colours;" in line and "were merged into them" in line
    assert "more in" in line and "of the pixels" in line
