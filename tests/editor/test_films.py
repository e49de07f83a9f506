"""Films from keyframes."""

import concurrent.futures
import functools
import weakref

import numpy as np
import pytest

from deepsim_jax import UserError
from deepsim_jax.editor import films
from deepsim_jax.editor.desk import Desk
from deepsim_jax.editor.films import Film
from deepsim_jax.sequences import film_files

MOVE = {"tool": "warp", "from": [[60, 70]], "to": [[84, 74]], "reach": 60}


@pytest.fixture(scope="module")
def desk(tmp_path_factory, patience):
    desk = Desk(tmp_path_factory.mktemp("films"))
    yield desk
    with patience():
        assert desk.close()


@pytest.fixture(scope="module")
def workspace(desk, photo):
    workspace = desk.worker.submit(lambda: desk.catalogue.open_photo(photo, "a.png", None)).result()
    desk.worker.submit(lambda: workspace.act(1, MOVE)).result()
    return workspace


def begun(desk, workspace, **options):
    return desk.worker.submit(lambda: desk.begin_film(workspace, **options)).result(300)


@pytest.mark.parametrize("format", ["gif", "webm"])
def test_a_film_goes_from_one_document_to_the_other(desk, workspace, format):
    first, last = (entry.id for entry in workspace.history.entries)
    film = begun(desk, workspace, documents=[first, last], frames=3, rate=10, format=format, back=True)
    film.join(300)
    told = desk.film(film.id).describe()
    assert told["state"] == "finished" and told["done"] == told["total"] == 7 and told["since"] >= 7
    frames = list(film_files.decode(film.path))
    assert len(frames) == 7 and film.path.is_relative_to(workspace.folder.path)
    start, end = (frames[n].astype(int) for n in (0, 3))
    assert np.abs(start - workspace.opened.source.photo).mean() < 8
    assert np.abs(start - end).mean() > 3 * np.abs(start - frames[6]).mean()


def test_a_film_never_holds_its_frames(desk, workspace, monkeypatch):
    held, most = [], []

    def write(path, pictures, rate):
        for picture in pictures:
            held.append(weakref.ref(picture))
            del picture
            most.append(sum(one() is not None for one in held))

    monkeypatch.setattr(film_files, "write", write)
    first, last = (entry.id for entry in workspace.history.entries)
    film = begun(desk, workspace, documents=[first, last], frames=8, back=True)
    film.join(300)
    assert film.describe()["done"] == len(held) == 17 and max(most) <= 3


def test_a_gif_of_many_pixels_has_the_drafts_size(desk, workspace, monkeypatch):
    asked = {"documents": [1, 1], "frames": 9}
    monkeypatch.setattr(films, "GIF_PIXELS", 10 * workspace.opened.source.photo[..., 0].size)
    made = [
        begun(desk, workspace, **asked, format="gif", back=True),
        begun(desk, workspace, **asked, format="gif"),
        begun(desk, workspace, **asked, format="mp4", back=True),
    ]
    for film in made:
        film.cancel()
        film.join(300)
    assert [film._quality for film in made] == ["draft", "full", "full"]


def test_a_gif_of_one_state_counts_its_pictures(desk, workspace, monkeypatch):
    monkeypatch.setattr(films, "GIF_PIXELS", workspace.opened.source.photo[..., 0].size)
    fits = begun(desk, workspace, documents=[1], format="gif")
    fits.join(300)
    monkeypatch.setattr(films, "_numbers", lambda count, back: [0, 0])
    film = begun(desk, workspace, documents=[1], format="gif")
    film.join(300)
    assert (fits._quality, film._quality) == ("full", "draft") and film.state == "finished"


def test_a_film_can_be_called_off(desk, workspace):
    first, last = (entry.id for entry in workspace.history.entries)
    film = begun(desk, workspace, documents=[first, last, first], frames=200)
    film.cancel()
    film.join(300)
    assert film.describe()["state"] == "cancelled" and not film.path.exists()


def test_a_film_that_waits_as_the_editor_ends_has_not_failed(desk, workspace, monkeypatch, caplog):
    def submit(do, **options):
        raise concurrent.futures.CancelledError

    made = functools.partial(desk.begin_film, workspace, documents=[1, 1], frames=2)
    with monkeypatch.context() as ended:
        ended.setattr(desk.worker, "submit", submit)
        film = made()
        film.join(300)
    assert film.state == "cancelled" and film.error is None and not caplog.messages


@pytest.mark.parametrize(
    "options, error",
    [
        ({"documents": []}, UserError),
        ({"documents": [1, 99]}, LookupError),
        ({"documents": [1, 1], "format": "exe"}, UserError),
        ({"documents": [1, 1], "frames": 0}, UserError),
        ({"documents": [1, 1], "rate": 1000}, UserError),
        ({"documents": [1] * 64, "frames": 240}, UserError),
    ],
)
def test_what_cannot_be_a_film_is_refused(desk, workspace, options, error):
    with pytest.raises(error):
        begun(desk, workspace, **options)
    with pytest.raises(LookupError):
        desk.film("none")


def test_a_film_that_cannot_be_written_says_so(desk, workspace, monkeypatch):
    def write(*args):
        raise UserError("no space")

    monkeypatch.setattr(film_files, "write", write)
    film = begun(desk, workspace, documents=[1])
    film.join(300)
    assert film.describe()["error"] == "no space" and film.state == "failed"
    assert isinstance(film, Film)
