"""Films from keyframes: documents of a history, with what lies between them."""

import concurrent.futures
import functools
import logging
import secrets
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from deepsim_jax.editor import messages
from deepsim_jax.editor.worker import Bell, Unwanted, Worker
from deepsim_jax.editor.workspaces import Workspace
from deepsim_jax.errors import UserError
from deepsim_jax.sequences import film_files
from deepsim_jax.systems import contract

log = logging.getLogger("deepsim_jax")

TYPES = {"mp4": "video/mp4", "webm": "video/webm", "gif": "image/gif"}
FRAMES = 600
PIXELS = 2_000_000
"""Up to so many pixels a film's frames have the photo's size, above it the draft's."""
GIF_PIXELS = 100_000_000
"""As `PIXELS`, of all frames of a GIF together, which are in memory at once when it is written."""


class Cancelled(Exception):
    """Somebody does not want it any more."""


class Film:
    """A film that is being made in a thread; its pictures are rendered by the worker, one at a time.

    Attributes:
      id: 16 letters.
      state: "running", "finished", "failed" or "cancelled".
      bell: rings when anything of it changes.
    """

    def __init__(
        self,
        workspace: Workspace,
        worker: Worker,
        *,
        documents: Sequence[int],
        frames: int = 12,
        rate: float = 12.0,
        format: str = "mp4",
        back: bool = False,
    ):
        """Begins to make it; called in the worker's thread.

        Args:
          workspace, worker: of what, and where it is rendered.
          documents: ids of the keyframes; of a single one its candidates are the frames.
          frames: from one keyframe to the next.
          rate: frames a second.
          format: one of `TYPES`.
          back: whether it plays back to the beginning.

        Raises:
          LookupError: no such document.
          UserError: an argument out of range, a session that knows nothing between two documents, or
            nothing can be saved.
        """
        if workspace.folder.problem:
            raise UserError(workspace.folder.problem)
        if format not in TYPES:
            raise UserError(f"format {format!r:.20}: choose one of {', '.join(TYPES)}")
        if not 1 <= len(documents) <= 64 or not 1 <= frames <= 240 or not 1 <= rate <= 60:
            raise UserError("1 to 64 keyframes, 1 to 240 frames between them, 1 to 60 a second")
        if (len(documents) - 1) * frames >= FRAMES:
            raise UserError(f"{FRAMES} frames are the most")
        session = workspace.opened.session
        if session is None or (len(documents) > 1 and not isinstance(session, contract.Interpolating)):
            raise UserError("nothing is known of what lies between two documents here")
        self.id, self.state, self.bell = secrets.token_hex(8), "running", Bell()
        self.error: str | None = None
        self.type, self._cancelled = TYPES[format], threading.Event()
        self._session, self._worker, self._workspace = session, worker, workspace
        self._documents = [workspace.history.document(id_) for id_ in documents]
        self._frames, self._rate, self._back = frames, rate, back
        self.path = workspace.folder.path / "films" / f"{self.id}.{format}"
        self._parts: tuple[int, int] | None = None  # of the pictures of a single document
        self._done, self._numbers = 0, _numbers((len(documents) - 1) * frames + 1, back=back)
        height, width = workspace.output_size(documents[0]) or session.canvas.output_size
        self._pixels, self._is_gif = height * width, format == "gif"
        self._quality = self._affordable(len(self._numbers))
        self._thread = threading.Thread(target=self._make, name="film", daemon=True)
        self._thread.start()

    def describe(self) -> dict[str, Any]:
        """How it goes, as the page shows it."""
        done, total = self._parts or (self._done, len(self._numbers))
        return {
            "state": self.state,
            "done": done,
            "total": total,
            "error": self.error,
            "since": self.bell.count,
            "type": self.type,
        }

    def cancel(self) -> None:
        """Gives it up before the next picture, or part of one."""
        self._cancelled.set()

    def join(self, seconds: float) -> None:
        """Waits for its end."""
        self._thread.join(seconds)

    def _make(self):
        try:
            if len(self._documents) == 1:
                if self._is_gif and self._quality == "full":
                    drafts = self._render("draft", lambda: self._documents[0]).images
                    self._quality = self._affordable(len(_numbers(len(drafts), back=self._back)))
                rendering = self._rendered(lambda: self._documents[0])
                self._rate = rendering.rate or self._rate
                self._numbers = _numbers(len(rendering.images), back=self._back)
                pictures: Iterable[np.ndarray] = [rendering.images[number] for number in self._numbers]
                self._parts, self._done = None, len(pictures)
            else:
                pictures = self._between()
            film_files.write(self.path, pictures, self._rate)
            self.state = "finished"
        except (Cancelled, Unwanted, concurrent.futures.CancelledError):  # the last: the editor has ended
            self.state = "cancelled"
        except Exception as error:  # this thread's end; whoever looks at the page shall see it
            self.state = "failed"
            self.error = messages.failure(error, f"a film of {self._workspace.name}")
        self.bell.ring()

    def _between(self) -> Iterator[np.ndarray]:
        for number in self._numbers:  # the way back is rendered anew: it takes no memory
            yield self._rendered(functools.partial(self._document, number)).image
            self._done += 1
            self.bell.ring()

    def _document(self, number):
        place, step = divmod(number, self._frames)
        if not step:
            return self._documents[place]
        return self._session.between(*self._documents[place : place + 2], step / self._frames)

    def _affordable(self, count: int) -> Literal["draft", "full"]:
        """In which quality so many frames are made."""
        fits = self._pixels <= PIXELS and not (self._is_gif and self._pixels * count > GIF_PIXELS)
        return "full" if fits else "draft"

    def _rendered(self, make) -> contract.Rendering:
        return self._render(self._quality, make)

    def _render(self, quality: Literal["draft", "full"], make) -> contract.Rendering:
        def do():
            self._check()
            if isinstance(self._session, contract.Stepwise):
                return self._session.render_stepwise(make(), quality, self._part)
            return self._session.render(make(), quality)

        self._check()
        return self._worker.submit(do).result()

    def _part(self, done: int, of: int) -> None:
        self._check()
        if len(self._documents) == 1:
            self._parts = done, of
            self.bell.ring()
        self._worker.checkpoint()

    def _check(self):
        if self._cancelled.is_set():
            raise Cancelled


def _numbers(count: int, *, back: bool) -> list[int]:
    """Which frames are shown, in their order."""
    numbers = list(range(count))
    return numbers + numbers[-2::-1] if back else numbers
