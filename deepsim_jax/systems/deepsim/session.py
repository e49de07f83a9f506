"""A photo in an editor's hands: its primitive is changed by tools, step by step, and rendered.

Every action is a step of a recipe (`recipes`), so that what a session did can be written down as JSON and
repeated from the command line.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.ops import field as fields
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.contract import Canvas, Option, Rendering, Tool
from deepsim_jax.systems.deepsim import areas, documents, keyframes, recipe_steps, recipes
from deepsim_jax.systems.deepsim.copying import moves
from deepsim_jax.systems.deepsim.copying.mismatch import describe_ignored
from deepsim_jax.systems.deepsim.documents import Document
from deepsim_jax.systems.deepsim.model import Model

_RADIUS = Option("radius", "float", "of the brush, in pixels of the primitive", 4.0, low=0.5, high=512.0)
_COLOR = Option("color", "color", "of the palette")
_PLACING = (
    Option("scale", "float", "factor of its size", default=1.0, low=0.01, high=100.0),
    Option("rotate", "float", "degrees, counter-clockwise", default=0.0, low=-360.0, high=360.0),
    Option("flip", "bool", "mirrored", default=False),
)

TOOLS = (
    Tool(
        "warp",
        "drags points; what is between them bends along",
        "points",
        (Option("reach", "float", "pixels beyond which nothing moves; empty: all bends", low=1.0),),
        takes=("from", "to", "fixed"),
        key="w",
        title="Drag points",
        icon="drag",
        help="Drag any point of the photo; what lies around it bends along. "
        "Double-click sets an anchor that stays.",
    ),
    Tool(
        "stroke",
        "paints with a colour of the palette",
        "stroke",
        (_RADIUS, _COLOR),
        takes=("points", "like", "spare"),
        ink="color",
        key="b",
        title="Brush",
        icon="brush",
        help="Paint with one of the drawing’s colours. Lines under it vanish, from the photo, too.",
    ),
    Tool(
        "fill",
        "gives the connected region at a point another colour",
        "points",
        (_COLOR,),
        takes=("at", "like", "spare"),
        key="g",
        title="Fill",
        icon="fill",
        help="Click an area to give it the chosen colour.",
    ),
    Tool(
        "paint",
        "fills a polygon with a colour",
        "region",
        (_COLOR,),
        takes=("polygon", "like", "spare"),
        key="p",
        title="Area",
        icon="polygon",
        help="Click corners, or draw around an area; Enter fills it.",
    ),
    Tool(
        "line",
        "draws an edge, one pixel wide",
        "stroke",
        (Option("closed", "bool", "back to its start", default=False),),
        takes=("points", "spare"),
        ink="edge",
        key="n",
        title="Edge pen",
        icon="pen",
        help="Draw an outline, one pixel wide. Shift+click draws it straight.",
    ),
    Tool(
        "restore",
        "brings the original back",
        "stroke",
        (_RADIUS,),
        takes=("points", "spare"),
        ink="original",
        key="e",
        title="Eraser",
        icon="eraser",
        help="Brings the original back where you wipe.",
    ),
    Tool(
        "move",
        "moves a region, or what is in a polygon",
        "region",
        _PLACING,
        takes=("polygon", "at", "by"),
        key="v",
    ),
    Tool("copy", "copies it", "region", _PLACING, takes=("polygon", "at", "by"), key="c"),
    Tool(
        "delete",
        "takes it away",
        "region",
        takes=("polygon", "at", "spare"),
        key="r",
        title="Delete",
        icon="trash",
    ),
    Tool(
        "keep",
        "protects the photo along a stroke",
        "stroke",
        (_RADIUS,),
        takes=("points",),
        ink="keep",
        key="k",
        title="Keep",
        icon="shield",
        help="What you paint over stays exactly as it is in the photo.",
    ),
)
"""What a hand can do. An action is {"tool": name, ...}, with the options of the recipe's step."""

_KEPT = (60, 200, 120)  # in which the layer "keep" is shown
_TOLD = 0.02  # share of the drawing that a copy has to miss before it is told


class DeepsimSession:
    """A `Session` on a model of DeepSIM.

    Attributes:
      canvas: of the primitive's size, with its palette.
      tools: `TOOLS` without those that this kind of primitive has no use for.
    """

    def __init__(self, model: Model):
        """Opens it.

        Raises:
          UserError: an imported model does not know how its primitive is drawn.
        """
        spec, primitive, photo = model.spec, model.primitive, model.photo
        if spec is None or primitive is None or photo is None:
            raise UserError("session: an imported model does not know how its primitive is drawn")
        self._model, self._spec, self._primitive = model, spec, primitive
        self._photo = photo
        self._turns: tuple[Document, Document, bool] | None = None  # of the film that is being made
        self._original = primitives.decompose(primitive, spec)
        has_edges, has_regions = self._original.edges is not None, spec.kind not in ("edges", "landmarks")
        regional = ("stroke", "fill", "paint")
        self.tools = tuple(
            tool
            for tool in TOOLS
            if (has_edges or tool.name != "line") and (has_regions or tool.name not in regional)
        )
        self.canvas = Canvas(
            size=primitive.shape[:2],
            output_size=photo.shape[:2],
            layers=("regions",) * has_regions + ("edges",) * has_edges + ("keep",),
            palette=None if spec.palette is None else np.array(spec.palette, np.uint8),
            line_color=spec.edge_rgb if has_edges else None,
        )

    def begin(self) -> Document:
        """The document in which nothing is changed."""
        return documents.begin(self._original)

    def apply(self, document: Document, action: Mapping[str, Any]) -> Document:
        """A new document, changed by an action; the old one stays what it was.

        Raises:
          UserError: an action that is not understood, or a colour that is not of the palette.
        """
        return self._extended(document, action, self._model.complete)

    def _extended(self, document, action, complete):
        if not isinstance(action, Mapping) or not isinstance(action.get("tool"), str):
            raise UserError('action: an object with a "tool" is needed')
        names = [tool.name for tool in self.tools]
        if action["tool"] not in names:
            raise UserError(f"action: no tool {action['tool']!r:.40}; there are {', '.join(names)}")
        spare = action.get("spare")
        for color in (action.get("color"), *(spare if isinstance(spare, list | tuple) else ())):
            self._check_color(color)
        return documents.extended(
            document, keyframes.step_of(action), self._original, self._spec, complete=complete
        )

    def drawing(self, document: Document) -> np.ndarray:
        """The edited primitive, uint8 (h, w, 3)."""
        return primitives.compose(document.layers, self._spec)

    def layer(self, document: Document, name: str) -> np.ndarray:
        """One of the canvas' layers, uint8 (h, w, 4): "regions", "edges" or what is kept, "keep"."""
        layers = document.layers
        if name == "regions":
            return np.dstack([layers.regions, np.full(self.canvas.size, 255, np.uint8)])
        shown, color = (document.keep, _KEPT) if name == "keep" else (layers.edges, self._spec.edge_rgb)
        assert shown is not None
        found = np.zeros((*self.canvas.size, 4), np.uint8)
        found[shown] = (*color, 255)
        return found

    def region(self, document: Document, point: Sequence[float]) -> np.ndarray:
        """bool (h, w): the connected region of one colour at a point (x, y).

        Raises:
          UserError: a point outside, or on a line.
        """
        try:
            return areas.area(document.layers, np.ones(2), at=point)
        except ValueError as error:
            raise UserError(f"region: {error}") from error

    def recipe(self, document: Document) -> dict:
        """What was done, as a recipe: `Model.apply_recipe` makes the same primitive of it."""
        height, width = self.canvas.size
        return {
            "size": [width, height],
            "steps": [keyframes.step_of(action) for action in document.actions],
        }

    def actions(self, recipe: Any) -> list[dict[str, Any]]:
        """The actions that a recipe tells, in pixels of this canvas.

        Raises:
          UserError: it is not understood.
        """
        recipe = recipes.rescaled(recipe, *self.canvas.size)
        return [dict(action) for action in documents.follow(recipe, self._primitive, self._spec).actions]

    def between(self, first: Document, second: Document, share: float) -> Document:
        """The document at a share of the way from one to another, see `keyframes.between`.

        What is taken away in one of them is completed as there, so that it holds still.
        """
        in_turn = self._are_in_turn(first, second)
        known = {
            fill.key: fill
            for document in (first, second)
            for fill in moves.fills_of(document.trace.edits)
        }

        def complete(layers, field, mask):
            fill = known.get(moves.key_of(mask))
            return self._model.complete(layers, field, mask) if fill is None else fill.donors()

        document = self.begin()
        for action in keyframes.between(first.actions, second.actions, share, in_turn=in_turn):
            document = self._extended(document, action, complete)
        return document

    def _are_in_turn(self, first, second):
        """Whether the steps of a film have to be made one after the other."""
        if self._turns is None or self._turns[:2] != (first, second):
            common = keyframes.shared(first.actions, second.actions)
            base = self.begin()
            for action in first.actions[:common]:
                base = self._extended(base, action, documents.complete_with_nearest)
            of = any(self._is_in_turn(base, document, common) for document in (first, second))
            self._turns = first, second, of
        return self._turns[2]

    def _is_in_turn(self, base, document, common):
        def unfold():
            # Only where something moves counts, and not what completes the photo.
            found = base
            yield found
            for action in document.actions[common:]:
                found = self._extended(found, action, documents.complete_with_nearest)
                yield found

        edits = document.trace.edits[len(base.trace.edits) :]
        return documents.takes_hold(unfold()) or moves.may_pass(edits)

    def render(self, document: Document, quality: Literal["draft", "full"] = "draft") -> Rendering:
        """The picture of a document.

        Args:
          document: of this session.
          quality: "draft" has the training size; "full" has the photo's size and is the photo, bit for
            bit, outside of what was changed. Both are made of the photo's own pixels, and show the
            network's picture, where one is trained, of what the photo lacks.
        """
        begun = time.perf_counter()
        if quality == "full":
            picture = self._model.edit(
                self.drawing(document),
                keep="auto",
                field=document.field,
                protected=document.keep,
                pieces=document.pieces,
                engine=self._model.auto_engine,
            )
            mask = (picture != self._photo).any(-1)
        else:
            mask = None
            picture = self._draft(document)
        # Of a large photo a draft may be all that is looked at.
        doubts = self._doubts(document)
        return Rendering((picture,), mask, 1000 * (time.perf_counter() - begun), doubts)

    def warm(self) -> None:
        """Compiles what drags points, and the network, if there is one, and finds out what it can do."""
        height, width = self.canvas.size
        begin, middle = self.begin(), [[width / 2, height / 2]]
        self.apply(begin, {"tool": "warp", "from": middle, "to": middle})
        if self._model.is_trained:
            self._model.edit(self.drawing(begin), engine="network")
            _ = self._model.auto_engine

    def preview(self, document: Document, action: Mapping[str, Any]) -> Rendering:
        """About what `render` would show as a draft of a document after an action.

        Dragged points move the regions without the lines, which a copy does not look at, and nothing is
        painted anew.
        """
        begun = time.perf_counter()
        if not isinstance(action, Mapping) or action.get("tool") != "warp":
            # Where an area was stays the same while it is moved; a stroke takes away ever more.
            grows = isinstance(action, Mapping) and action.get("tool") in ("stroke", "paint")
            complete = documents.complete_with_nearest if grows else self._model.complete
            picture = self._draft(self._extended(document, action, complete), completes=False)
            return Rendering((picture,), None, 1000 * (time.perf_counter() - begun))
        number = len(document.actions) + 1
        edit = recipe_steps.edit_of(keyframes.step_of(action), document.layers, number=number)
        assert edit is not None
        found = document.trace.followed_by(edit).found
        own = moves.field_of([edit], *self.canvas.size) if document.trace.edits else found.field
        layers = primitives.Layers(fields.look_up(document.layers.regions, own), None)
        given = layers, found.field, document.keep, found.pieces
        picture = self._model.draft(*given, paints=False, completes=False)
        return Rendering((picture,), None, 1000 * (time.perf_counter() - begun))

    def _draft(self, document, *, completes=True):
        given = document.layers, document.field, document.keep, document.pieces
        return self._model.draft(*given, completes=completes)

    def mismatch(self, document: Document) -> np.ndarray:
        """uint8 (h, w): 255 where a copy does not show what was drawn, or where it may be wrong."""
        found = self._model.copy_mismatch(document.layers, document.field, document.pieces)
        return found.astype(np.uint8) * np.uint8(255)

    def _doubts(self, document):
        told, ignored = [], self._model.ignored(document.layers, document.field)
        if ignored.any():
            told.append(describe_ignored(ignored))
        share = float((self.mismatch(document) > 0).mean())
        if share >= _TOLD and self._model.auto_engine == "copy":
            more = "the network paints it no better yet, a longer training may"
            told.append(
                f"{share:.0%} of what was drawn is not in the photo, so that it could not be copied; "
                + (more if self._model.is_trained else "a training can show it")
            )
        return tuple(told)

    def _check_color(self, color):
        palette = self.canvas.palette
        if color is None or palette is None:
            return
        try:
            known = np.asarray(color).shape == (3,) and (palette == np.asarray(color)).all(-1).any()
        except (TypeError, ValueError) as error:
            raise UserError(f"action: color {color!r:.40}: [red, green, blue] is needed") from error
        if not known:
            raise UserError(f"action: color {color!r:.40} is none of the {len(palette)} of the palette")
