"""Primitives: drawn from a photo, taken apart and composed, cleaned, and edits brought back."""

import dataclasses
import json

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.measure import label

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.primitives import edges, palettes
from deepsim_jax.primitives import make as primitives
from deepsim_jax.primitives.make import PrimitiveSpec, analyse, compose, conform, decompose

SKY, EARTH, ROOF = (120, 170, 230), (90, 140, 60), (180, 60, 50)
MARKS = {
    "points": [{"xy": [30, 20], "color": [255, 0, 0]}],
    "polylines": [{"points": [[5, 5], [90, 60]], "width": 1}],
}


def refused(call, *args, **kwargs) -> str:
    with pytest.raises(UserError) as caught:
        call(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def house():
    """A segmentation of three colours, 80x110."""
    image = np.full((80, 110, 3), SKY, np.uint8)
    image[55:] = EARTH
    cv2.fillPoly(image, [np.array([[25, 40], [50, 12], [80, 40], [80, 60], [25, 60]])], ROOF)
    return image


def sketch(thickness=1):
    """(H, W) bool lines to go with `house`."""
    canvas = np.zeros((80, 110), np.uint8)
    cv2.rectangle(canvas, (25, 40), (80, 60), 1, thickness)
    cv2.line(canvas, (5, 70), (100, 66), 1, thickness)
    cv2.circle(canvas, (90, 20), 9, 1, thickness)
    return canvas > 0


def colors_of(image):
    return set(palettes.by_area(image))


@pytest.fixture(scope="module")
def photo():
    return images.resize_to_limit(data.astronaut(), 128)


@pytest.fixture(scope="module")
def drawings(photo):
    """kind -> (edge color -> automatic primitive)."""
    made = {}
    for kind in primitives.KINDS:
        options = {"landmarks": MARKS} if kind == "landmarks" else {}
        made[kind] = {"black": primitives.make_primitive(photo, kind, **options)}
        if "edges" in kind:
            made[kind]["white"] = primitives.make_primitive(photo, kind, edge_color="white")
    return made


CASES = [(kind, "black") for kind in primitives.KINDS]
CASES += [("edges", "white"), ("seg_edges", "white")]


@pytest.mark.parametrize("kind, color", CASES)
def test_automatic_primitives(drawings, photo, kind, color):
    drawing = drawings[kind][color]
    assert drawing.shape == photo.shape and drawing.dtype == np.uint8
    assert 2 <= len(colors_of(drawing)) <= 9
    value = primitives.EDGE_COLORS[color]
    share = (drawing == value).all(axis=-1).mean()
    if kind == "edges":
        assert colors_of(drawing) == {(0, 0, 0), (255, 255, 255)}
    if "edges" in kind:
        assert 0.01 < share < 0.2
        regions = drawing[(drawing != value).any(axis=-1)].astype(int)
        assert np.abs(regions - value).max(axis=-1).min() >= 48, "lines show on every region"


@pytest.mark.parametrize("kind, color", CASES)
def test_conform_changes_nothing_after_analyse(drawings, kind, color):
    cleaned, spec = analyse(drawings[kind][color], kind, edge_color=color)
    again, foreign = conform(cleaned, spec)
    assert foreign == 0 and np.array_equal(again, cleaned)
    assert np.array_equal(cleaned, drawings[kind][color]), "an automatic primitive is clean"


@pytest.mark.parametrize("kind, color", CASES)
def test_layers_compose_to_the_primitive(drawings, kind, color):
    cleaned, spec = analyse(drawings[kind][color], kind, edge_color=color)
    layers = decompose(cleaned, spec)
    assert np.array_equal(compose(layers, spec), cleaned)
    assert (layers.edges is not None) == ("edges" in kind)
    if kind == "seg_edges":
        assert colors_of(layers.regions) <= set(spec.palette)
    if kind == "edges":
        assert len(colors_of(layers.regions)) == 1
    # A changed layer is drawn as such.
    if layers.edges is not None:
        lines = layers.edges & (np.arange(cleaned.shape[1]) < 60)
        redrawn = compose(dataclasses.replace(layers, edges=lines), spec)
        assert np.array_equal(decompose(redrawn, spec).edges, lines)


@pytest.mark.parametrize("kind, color", CASES)
def test_specs_survive_json(drawings, kind, color):
    _, spec = analyse(drawings[kind][color], kind, edge_color=color, thin=False, canny_sigma=1.5)
    assert PrimitiveSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert (spec.kind, spec.edge_color, spec.thin, spec.canny_sigma) == (kind, color, False, 1.5)
    assert (spec.palette is None) == (kind == "edges")
    assert hash(spec) == hash(dataclasses.replace(spec))


@pytest.mark.parametrize(
    "content",
    [
        None,
        3,
        {},
        {"kind": "seg"},
        {"kind": "seg", "palette": [[1, 2]]},
        {"kind": "seg", "palette": 5},
        {"kind": "seg", "palette": None, "colour": 1},
        {"kind": "drawing", "palette": None},
    ],
)
def test_damaged_specs_are_refused(content):
    assert "primitive" in refused(PrimitiveSpec.from_json, content)


def test_given_parts_are_used(tmp_path, photo):
    scene = np.repeat(house()[:, :, :1], 3, axis=-1)
    black = np.where(sketch()[..., None], 0, 255).astype(np.uint8).repeat(3, -1)
    paths = {}
    for name, part in (("photo", scene), ("seg", house()), ("edges", black)):
        paths[name] = tmp_path / f"{name}.png"
        images.write_png(paths[name], part)
    drawn = primitives.make_primitive(
        paths["photo"], "seg_edges", segmentation=paths["seg"], edges=paths["edges"]
    )
    assert np.array_equal(drawn, np.where(sketch()[..., None], 0, house()))
    white = primitives.make_primitive(scene, "edges", edges=sketch(), edge_color="white")
    assert np.array_equal(white[..., 0] == 255, sketch())
    for kind in ("seg", "paint"):
        drawn = primitives.make_primitive(scene, kind, segmentation=house())
        assert np.array_equal(drawn, house())


def test_sigma_colors_method_and_seed_reach_their_functions(photo):
    fine = primitives.make_primitive(photo, sigma=0.8)
    expected = edges.thin_edges(edges.canny_edges(photo, sigma=0.8))
    assert np.array_equal(fine[..., 0] == 0, expected)
    few = primitives.make_primitive(photo, "seg", colors=3, method="kmeans", seed=5)
    assert len(colors_of(few)) <= 3


@pytest.mark.parametrize(
    "kind, options, part",
    [
        ("sketch", {}, "edges, seg, seg_edges, paint, landmarks"),
        ("edges", {"colors": 5}, "option colors"),
        ("edges", {"segmentation": house()}, "option segmentation"),
        ("edges", {"landmarks": MARKS}, "option landmarks"),
        ("seg", {"sigma": 1.0}, "option sigma"),
        ("seg", {"edge_color": "white"}, "option edge_color"),
        ("paint", {"edges": sketch()}, "option edges"),
        ("landmarks", {"landmarks": MARKS, "seed": 1}, "option seed"),
        ("landmarks", {}, "give landmarks"),
        ("landmarks", {"landmarks": "nowhere.json"}, "nowhere.json"),
        ("edges", {"edge_color": "red"}, "black or white"),
        ("edges", {"sigma": -1.0}, "sigma"),
        ("seg", {"method": "sam"}, "slic"),
        ("seg", {"segmentation": "nowhere.png"}, "segmentation nowhere.png: no such file"),
        ("seg", {"segmentation": house()}, "segmentation: 110x80 pixels, but the photo has 128x128"),
        ("seg_edges", {"edges": sketch()}, "edges: 110x80 pixels"),
    ],
)
def test_bad_requests_are_refused(photo, kind, options, part):
    assert part in refused(primitives.make_primitive, photo, kind, **options)


def test_default_values_of_unused_options_are_harmless(photo):
    plain = primitives.make_primitive(photo, "edges")
    spelled = primitives.make_primitive(photo, "edges", colors=8, seed=0, segmentation=None)
    assert np.array_equal(plain, spelled)


def test_a_photo_without_edges_is_refused_as_edges():
    flat = np.full((32, 32, 3), 99, np.uint8)
    assert "none were found" in refused(primitives.make_primitive, flat, "edges")
    assert primitives.make_primitive(flat, "seg_edges").shape == flat.shape


def test_drawn_edges_are_binarised_and_thinned():
    drawn = np.full((80, 110, 3), 255, np.uint8)
    cv2.rectangle(drawn, (25, 40), (80, 60), (0, 0, 0), 5, cv2.LINE_AA)
    cv2.line(drawn, (5, 70), (100, 72), (200, 0, 0), 3, cv2.LINE_AA)  # red ink is ink
    cleaned, spec = analyse(drawn, "edges")
    assert colors_of(cleaned) == {(0, 0, 0), (255, 255, 255)}
    lines = cleaned[..., 0] == 0
    assert np.array_equal(edges.thin_edges(lines), lines)
    assert label(lines, connectivity=2).max() == 2
    foreign = np.count_nonzero(~np.isin(drawn @ (1, 256, 65536), (0, 0xFFFFFF)))
    assert conform(drawn, spec)[1] == foreign > 0
    assert np.array_equal(conform(drawn, spec)[0], cleaned)
    thick, spec = analyse(drawn, "edges", thin=False)
    assert (thick[..., 0] == 0).sum() > 3 * lines.sum()
    assert np.array_equal(conform(thick, spec)[0], thick)


@pytest.mark.parametrize(
    "drawn, part",
    [
        (np.full((32, 32, 3), 255, np.uint8), "no black line"),
        (np.where(sketch()[..., None], 255, 0).astype(np.uint8).repeat(3, -1), "to white"),
    ],
)
def test_edges_that_cannot_be_meant_are_refused(drawn, part):
    assert part in refused(analyse, drawn, "edges")


def test_all_edges_may_be_edited_away():
    _, spec = analyse(
        compose(
            primitives.Layers(np.full((80, 110, 3), 255, np.uint8), sketch()), PrimitiveSpec("edges")
        ),
        "edges",
    )
    white = np.full((80, 110, 3), 255, np.uint8)
    cleaned, foreign = conform(white, spec)
    assert foreign == 0 and np.array_equal(cleaned, white)


@pytest.mark.parametrize("color", ["black", "white"])
def test_super_primitive_is_told_apart(color):
    value = primitives.EDGE_COLORS[color]
    drawn = np.where(sketch()[..., None], np.uint8(value), house())
    cleaned, spec = analyse(drawn, "seg_edges", edge_color=color)
    assert spec.palette == (SKY, EARTH, ROOF)
    layers = decompose(cleaned, spec)
    assert np.array_equal(layers.edges, edges.thin_edges(sketch()))
    # Below the lines the regions go on; at a border of two the line may hide which.
    assert (layers.regions != house()).any(axis=-1).mean() < 0.015


def test_edited_super_primitive_is_brought_back():
    drawn = np.where(sketch()[..., None], np.uint8(0), house())
    cleaned, spec = analyse(drawn, "seg_edges")
    edited = cleaned.copy()
    cv2.line(edited, (30, 5), (60, 5), (0, 0, 0), 5)  # a thick stroke in the sky
    cv2.circle(edited, (100, 45), 6, (95, 150, 70), -1)  # nearly the earth's colour
    back, foreign = conform(edited, spec)
    disc = (edited == (95, 150, 70)).all(axis=-1)
    assert foreign == np.count_nonzero(disc)
    assert (back[disc] == EARTH).all()
    layers = decompose(back, spec)
    stroke = layers.edges[:12, 20:70]
    assert np.array_equal(edges.thin_edges(stroke), stroke)
    assert 25 <= np.count_nonzero(stroke) <= 40
    freed = ~layers.edges & (edited == 0).all(axis=-1)
    assert (back[:12][freed[:12]] == SKY).all(), "thinned strokes leave the region's colour"
    again, foreign = conform(back, spec)
    assert foreign == 0 and np.array_equal(again, back)


def test_super_primitive_without_thinning():
    drawn = np.where(sketch(3)[..., None], np.uint8(0), house())
    cleaned, spec = analyse(drawn, "seg_edges", thin=False)
    assert np.array_equal(cleaned, drawn) and np.array_equal(conform(drawn, spec)[0], drawn)
    thinned, _ = analyse(drawn, "seg_edges")
    assert (thinned == 0).all(axis=-1).sum() < 0.6 * (drawn == 0).all(axis=-1).sum()


def test_regions_in_the_color_of_edges_are_kept():
    seg = house()
    seg[(seg == ROOF).all(axis=-1)] = 0
    drawn = np.where(sketch()[..., None], np.uint8(0), seg)
    cleaned, spec = analyse(drawn, "seg_edges")
    assert np.array_equal(cleaned, drawn)
    assert set(spec.palette) == {SKY, EARTH, (0, 0, 0)}
    edited = cleaned.copy()
    edited[62:66, 5:40] = 0  # not thinned: it may be a region
    assert np.array_equal(conform(edited, spec)[0], edited)
    layers = decompose(cleaned, spec)
    assert np.array_equal(compose(layers, spec), cleaned)
    roof = cv2.erode(np.uint8((seg == 0).all(axis=-1)), np.ones((3, 3))) > 0
    assert (layers.regions[roof] == 0).all() and not layers.edges[roof].any()
    assert layers.edges[sketch()][:20].any() and layers.edges[66:71].any()


def test_segmentation_edits_are_snapped():
    soft = cv2.GaussianBlur(house(), (0, 0), 1.0)
    cleaned, spec = analyse(soft, "seg")
    assert spec.palette == (SKY, EARTH, ROOF) and colors_of(cleaned) == set(spec.palette)
    back, foreign = conform(soft, spec)
    assert colors_of(back) <= set(spec.palette)
    assert foreign == (back != soft).any(axis=-1).sum() > 0


def test_smooth_paintings_are_left_alone():
    smooth = cv2.GaussianBlur(data.astronaut()[::4, ::4], (0, 0), 1.0)
    cleaned, spec = analyse(smooth, "paint")
    assert spec.palette is None and np.array_equal(cleaned, smooth)
    assert conform(255 - smooth, spec)[1] == 0
    rows, columns = np.indices((160, 160)) * 255 // 159
    smooth = np.stack([rows, columns, 255 - rows], axis=-1).astype(np.uint8)
    for kind in ("seg", "seg_edges"):
        assert "colours" in refused(analyse, smooth, kind)


@pytest.mark.parametrize("kind", ["edges", "seg_edges"])
def test_shrunk_primitives_keep_their_lines(kind):
    large = house().repeat(4, axis=0).repeat(4, axis=1)
    soft = np.full_like(large, 255) if kind == "edges" else cv2.GaussianBlur(large, (0, 0), 0.7)
    cv2.rectangle(soft, (100, 160), (320, 240), (0, 0, 0), 2, cv2.LINE_AA)
    cv2.line(soft, (20, 280), (400, 264), (0, 0, 0), 2, cv2.LINE_AA)
    cv2.circle(soft, (360, 80), 36, (0, 0, 0), 2, cv2.LINE_AA)
    small = primitives.resize_primitive(soft, kind, 60, 82)
    assert small.shape == (60, 82, 3) and len(colors_of(small)) == (2 if kind == "edges" else 4)
    cleaned, spec = analyse(small, kind)
    layers = decompose(cleaned, spec)
    assert label(layers.edges, connectivity=2).max() == 3
    assert np.array_equal(primitives.resize_primitive(small, kind, 60, 82), small)


def test_shrunk_regions_and_paintings():
    small = primitives.resize_primitive(house(), "seg", 40, 55)
    assert colors_of(small) == colors_of(house())
    small = primitives.resize_primitive(house(), "paint", 40, 55)
    expected = house().reshape(40, 2, 55, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - expected).max() <= 0.5
    assert "kind" in refused(primitives.resize_primitive, house(), "drawing", 40, 55)


@pytest.mark.parametrize("kind", ["edges", "seg", "seg_edges", "paint", "landmarks"])
def test_tiny_and_uniform_drawings(kind):
    spec = PrimitiveSpec(kind, palette=None if kind == "edges" else ((9, 9, 9),))
    for value in (0, 9, 255):
        flat = np.full((16, 16, 3), value, np.uint8)
        back, _ = conform(flat, spec)
        assert back.shape == flat.shape
        assert np.array_equal(conform(back, spec)[0], back)
        assert np.array_equal(compose(decompose(back, spec), spec), back)
