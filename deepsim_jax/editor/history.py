"""A history of documents that never change, in bounded memory: undo is an older document.

What is kept for ever are the actions; documents are made of them again where they were given up.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deepsim_jax.errors import UserError
from deepsim_jax.systems.contract import Session

BYTES = 256 * 2**20
BYTES_A_PIXEL = 16
"""What a document is taken to hold for each pixel of the canvas."""

LEAST = 8
MOST_ENTRIES = 5000


@dataclasses.dataclass(frozen=True)
class Entry:
    """A document of the history.

    Attributes:
      id: a number that no other document of the history has ever had.
      actions: what made it of the one before, one after the other; none for the first.
    """

    id: int
    actions: tuple[Mapping[str, Any], ...] = ()

    @property
    def label(self) -> str:
        """What a list of documents calls it."""
        return str(self.actions[0]["tool"]) if self.actions else "the photo"


class History:
    """Documents in the order in which they were made, and which of them is current.

    Attributes:
      entries: all of them; the first is the one in which nothing is changed.
      position: the index of the current one.
    """

    def __init__(
        self,
        session: Session | None,
        *,
        entries: Sequence[Entry] = (),
        position: int = 0,
        next_id: int = 2,
        resolve: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda action: action,
        budget: int = BYTES,
    ):
        """Begins with nothing changed, or goes on with what was saved.

        Args:
          session: whose documents they are; None: there is only the photo.
          entries, position, next_id: of a history that was saved.
          resolve: action as it is kept -> as the session takes it.
          budget: bytes for documents that are kept.
        """
        self.entries = list(entries) or [Entry(1)]
        self.position, self.next_id = min(position, len(self.entries) - 1), next_id
        self._resolve, self._budget = resolve, budget
        self._documents: dict[int, Any] = {}
        self.session = session

    @property
    def session(self) -> Session | None:
        """Whose documents they are."""
        return self._session

    @session.setter
    def session(self, session: Session | None):
        """Another session, in which the same is done again when it is asked for."""
        self._session, self._documents = session, {}
        if session is not None:
            height, width = session.canvas.size
            self._most = max(LEAST, self._budget // (height * width * BYTES_A_PIXEL))
            self._documents[self.entries[0].id] = session.begin()

    @property
    def current(self) -> Entry:
        """The current entry."""
        return self.entries[self.position]

    @property
    def kept(self) -> int:
        """How many documents are in memory."""
        return len(self._documents)

    def index(self, id_: int | None) -> int:
        """The place of a document, None for the current one.

        Raises:
          LookupError: there is none of that id.
        """
        if id_ is None:
            return self.position
        for index, entry in enumerate(self.entries):
            if entry.id == id_:
                return index
        raise LookupError("no such document")

    def document(self, id_: int | None = None) -> Any:
        """A document of the session.

        Raises:
          LookupError: there is none of that id.
          UserError: the session, another one since, does not understand an action.
        """
        if self._session is None:
            raise UserError("nothing can be edited before a training")
        index = self.index(id_)
        first = index
        while self.entries[first].id not in self._documents:
            first -= 1
        document = self._documents[self.entries[first].id]
        for place in range(first + 1, index + 1):
            document = self.applied(document, self.entries[place].actions)
            self._keep(place, document)
        return document

    def applied(self, document: Any, actions: Sequence[Mapping[str, Any]]) -> Any:
        """A document after some actions; raises `UserError` where one is not understood."""
        if self._session is None:
            raise UserError("nothing can be edited before a training")
        for action in actions:
            document = self._session.apply(document, self._resolve(action))
        return document

    def act(self, *actions: Mapping[str, Any]) -> tuple[Entry, list[Entry]]:
        """Adds the current document, changed by one or several actions, and makes it the current one.

        Returns:
          The new entry, and those that had been undone, which are dropped.

        Raises:
          UserError: an action is not understood; nothing has changed. Or the history is full.
        """
        if self.position + 1 >= MOST_ENTRIES:
            raise UserError(f"{MOST_ENTRIES} changes are the most; start from this result as a new photo")
        document = self.applied(self.document(), actions)
        dropped = self.entries[self.position + 1 :]
        del self.entries[self.position + 1 :]
        for entry in dropped:
            self._documents.pop(entry.id, None)
        entry = Entry(self.next_id, tuple(dict(action) for action in actions))
        self.next_id += 1
        self.entries.append(entry)
        self.position += 1
        self._keep(self.position, document)
        return entry, dropped

    def move(self, position: int) -> None:
        """Makes another document the current one.

        Raises:
          LookupError: there is none at that place.
        """
        if not 0 <= position < len(self.entries):
            raise LookupError("no such document")
        self.position = position

    def clear(self) -> list[Entry]:
        """Goes back to the beginning for good; returns what is dropped."""
        dropped = self.entries[1:]
        self.entries, self.position = [Entry(self.next_id)], 0
        self.next_id += 1
        self.session = self._session
        return dropped

    def _keep(self, place, document):
        """Keeps a document; gives one up where there are too many.

        Near the current one all are kept, elsewhere one in so many, from which the others are made again.
        """
        self._documents[self.entries[place].id] = document
        if len(self._documents) <= self._most:
            return
        stride = max(1, -(-2 * len(self.entries) // self._most))
        places = [i for i, entry in enumerate(self.entries) if entry.id in self._documents and i]
        # What lies off the stride goes first, the farthest from what is being looked at.
        worst = max(places, key=lambda i: (i % stride != 0, abs(i - place)))
        del self._documents[self.entries[worst].id]
