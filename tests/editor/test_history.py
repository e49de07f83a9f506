"""Sixty strokes, sixty undos, sixty redos: identical documents, in bounded memory."""

import numpy as np
import pytest

from deepsim_jax import UserError
from deepsim_jax.editor import history as histories
from deepsim_jax.editor.history import Entry, History
from deepsim_jax.systems.contract import Canvas, Rendering


class Session:
    """Documents are arrays to which numbers are added; how often is counted."""

    tools = ()

    def __init__(self, size=(4, 4)):
        self.canvas, self.applied = Canvas(size, size, ()), 0

    def begin(self):
        return np.zeros(self.canvas.size)

    def apply(self, document, action):
        if action["tool"] != "add":
            raise UserError("no such tool")
        self.applied += 1
        return document * 1.01 + action["by"]

    def render(self, document, quality="draft"):
        return Rendering((document,), None, 0.0)


def acted(history, count):
    for number in range(count):
        history.act({"tool": "add", "by": number})


@pytest.mark.parametrize("budget", [histories.BYTES, 0])
def test_sixty_strokes_undone_and_redone_are_the_same_documents(budget):
    history = History(Session(), budget=budget)
    documents = [history.document()]
    for number in range(60):
        history.act({"tool": "add", "by": number})
        documents.append(history.document())
    for place in range(59, -1, -1):
        history.move(place)
        np.testing.assert_array_equal(history.document(), documents[place])
    for place in range(1, 61):
        history.move(place)
        np.testing.assert_array_equal(history.document(), documents[place])
    assert history.kept <= max(61, histories.LEAST) if budget else history.kept <= histories.LEAST


def test_two_thousand_edits_hold_no_more_memory_than_a_few(monkeypatch):
    session = Session((512, 512))
    history = History(session, budget=16 * 512 * 512 * histories.BYTES_A_PIXEL)
    acted(history, 2000)
    assert history.kept <= 16 and session.applied == 2000
    history.move(1000)
    history.document()
    assert session.applied - 2000 <= 1000  # from the nearest that is kept
    before = session.applied
    for place in range(999, 940, -1):
        history.move(place)
        history.document()
    assert history.kept <= 16
    assert session.applied - before < 59 * 2000 / 8


def test_what_was_undone_is_dropped_by_the_next_action():
    history = History(Session())
    acted(history, 3)
    ids = [entry.id for entry in history.entries]
    history.move(1)
    entry, dropped = history.act({"tool": "add", "by": 9})
    assert [entry.id for entry in dropped] == ids[2:] and entry.id not in ids
    assert history.position == 2 and len(history.entries) == 3
    with pytest.raises(LookupError, match="no such document"):
        history.document(ids[3])
    with pytest.raises(LookupError):
        history.move(3)


def test_an_action_that_is_refused_changes_nothing():
    history = History(Session())
    acted(history, 2)
    history.move(1)
    with pytest.raises(UserError, match="no such tool"):
        history.act({"tool": "bend"})
    assert history.position == 1 and len(history.entries) == 3


def test_the_number_of_documents_is_bounded(monkeypatch):
    monkeypatch.setattr(histories, "MOST_ENTRIES", 4)
    history = History(Session())
    acted(history, 3)
    with pytest.raises(UserError, match="4 changes are the most"):
        acted(history, 1)


def test_a_saved_history_and_another_session_make_the_same_again():
    history = History(Session())
    acted(history, 5)
    last = history.document()
    again = History(Session(), entries=history.entries, position=5, next_id=history.next_id, resolve=dict)
    np.testing.assert_array_equal(again.document(), last)
    again.session = Session()
    np.testing.assert_array_equal(again.document(), last)
    dropped = again.clear()
    assert len(dropped) == 5 and again.position == 0 and not again.document().any()
    assert again.current.id not in {entry.id for entry in history.entries}


def test_without_a_session_there_is_only_the_photo():
    history = History(None)
    assert history.current == Entry(1) and history.current.label == "the photo"
    with pytest.raises(UserError, match="before a training"):
        history.document()
    with pytest.raises(UserError, match="before a training"):
        history.act({"tool": "add", "by": 1})
