"""The pictures of a workspace's documents: how far one is that is being made, and those made last."""

import collections
from collections.abc import Callable
from typing import Any, Literal

from deepsim_jax.systems import contract
from deepsim_jax.systems.contract import Rendering, Session

BYTES = 128 * 2**20


class Progress:
    """How far the picture is that a workspace waits for; a `contract.Progress`."""

    def __init__(self, checkpoint: Callable[[], None] = lambda: None):
        """Calls `checkpoint` after each part, which may raise to give the picture up."""
        self._checkpoint = checkpoint
        self._parts: tuple[int, int] | None = None

    def __call__(self, done: int, of: int) -> None:
        """So many parts of so many are made."""
        self._parts = done, of
        self._checkpoint()

    def end(self) -> None:
        """The picture is made, or given up."""
        self._parts = None

    def describe(self) -> dict[str, Any]:
        """As the page is told: both are None where nothing is made that has parts."""
        done, total = self._parts or (None, None)
        return {"done": done, "total": total}


class Renderings:
    """Renders documents, and keeps what was made last.

    Attributes:
      progress: is told how far a picture is, and may raise to give it up.
    """

    def __init__(self):
        """Nothing is made yet."""
        self.progress = Progress()
        self._made: collections.OrderedDict[tuple[int, str], Rendering] = collections.OrderedDict()

    def clear(self) -> None:
        """Forgets all: another session makes others."""
        self._made.clear()

    def render(self, session: Session, document: Any, quality: Literal["draft", "full"]) -> Rendering:
        """Renders a document that has no id; raises what `progress` raises."""
        if not isinstance(session, contract.Stepwise):
            return session.render(document, quality)
        try:
            return session.render_stepwise(document, quality, self.progress)
        finally:
            self.progress.end()

    def of(
        self, session: Session, id_: int, document: Callable[[], Any], quality: Literal["draft", "full"]
    ) -> Rendering:
        """The rendering of a document that has an id, made where it is not kept; raises as `render`."""
        if (id_, quality) not in self._made:
            self._made[id_, quality] = self.render(session, document(), quality)
            while len(self._made) > 1 and self._bytes() > BYTES:
                self._made.popitem(last=False)
        self._made.move_to_end((id_, quality))
        return self._made[id_, quality]

    def kept(self, id_: int) -> Rendering | None:
        """That of a document which is kept, in any quality."""
        return self._made.get((id_, "draft")) or self._made.get((id_, "full"))

    def _bytes(self):
        return sum(image.nbytes for one in self._made.values() for image in one.images)
