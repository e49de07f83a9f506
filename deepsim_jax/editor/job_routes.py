"""The routes of what takes long: trainings and films (docs/editor-protocol.md)."""

from deepsim_jax.editor import asked_for, messages
from deepsim_jax.editor.answering import WORKSPACE, Handler, Routes
from deepsim_jax.errors import UserError


class JobRoutes(Routes):
    """Trainings and films, begun, followed and ended."""

    def table(self) -> list[tuple[str, str, Handler]]:
        """(method, path, handler) of each."""
        return [
            ("GET", f"{WORKSPACE}/training", self._training),
            ("POST", f"{WORKSPACE}/training", self._train),
            ("GET", f"{WORKSPACE}/training/preview", self._training_preview),
            ("POST", f"{WORKSPACE}/film", self._film),
            ("GET", "/api/jobs/{job}", self._job),
            ("GET", "/api/jobs/{job}/result", self._job_result),
            ("DELETE", "/api/jobs/{job}", self._cancel),
        ]

    async def _training(self, request):
        since = asked_for.query(request, "since")
        job = await self._with(request, self._desk.training)
        if since is not None:
            await self._changes(request, job.bell, since)
        return messages.answer(job.describe())

    async def _train(self, request):
        asked = messages.read_object(await request.body())
        what, values = asked.get("do"), asked.get("values") or {}
        if what not in ("start", "pause", "resume") or not isinstance(values, dict):
            raise UserError('"do" is one of start, pause, resume; "values" an object')

        def do(workspace):
            if what == "pause":
                job = self._desk.training(workspace)
                job.pause()
            else:
                job = self._desk.train(workspace, values if what == "start" else None)
            return job.describe()

        return messages.answer(await self._with(request, do))

    async def _training_preview(self, request):
        step = asked_for.query(request, "step") or 0

        def do(workspace):
            return self._desk.training(workspace).read_preview(step)

        return messages.picture(await self._with(request, do), "image/webp")

    async def _film(self, request):
        asked = messages.read_object(await request.body())
        documents = asked.get("documents")
        if not isinstance(documents, list) or not all(isinstance(id_, int) for id_ in documents):
            raise UserError('"documents" is a list of ids')
        options = {
            "frames": asked_for.number(asked, "frames", 12),
            "rate": asked_for.number(asked, "rate", 12),
            "format": asked_for.text(asked, "format", "mp4"),
            "back": asked.get("back") is True,
        }

        def do(workspace):
            return self._desk.begin_film(workspace, documents=documents, **options).id

        return messages.answer({"job": await self._with(request, do)})

    async def _job(self, request):
        film, since = self._desk.film(request.path_params["job"]), asked_for.query(request, "since")
        if since is not None:
            await self._changes(request, film.bell, since)
        return messages.answer(film.describe())

    async def _job_result(self, request):
        film = self._desk.film(request.path_params["job"])
        if film.state != "finished" or not film.path.is_file():
            raise LookupError("it is not finished")
        return messages.picture(film.path.read_bytes(), film.type)

    async def _cancel(self, request):
        self._desk.film(request.path_params["job"]).cancel()
        return messages.answer({})
