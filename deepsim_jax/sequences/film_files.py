"""Files of moving pictures, frame by frame with the time that each is shown: videos and animations.

Videos are decoded by OpenCV and written by PyAV, which can say when each frame is shown; animations
(GIF, WebP, PNG, AVIF) go through Pillow.
"""

import io
import itertools
import logging
import os
import statistics
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.images import picture_files

# The video library's own complaints about a broken file; the one line that says it is ours.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

log = logging.getLogger("deepsim_jax")

SUFFIXES = (".mp4", ".m4v", ".avi", ".webm", ".mov", ".mkv")
"""Suffixes of videos, for messages; what a file holds decides."""

# Container suffix -> units of time in a second. VP9 plays in every current browser.
_VIDEOS = {".mp4": 90000, ".webm": 1000}
_CODEC = "libvpx-vp9"
# One quality whatever the size, instead of a rate of bits.
_ENCODER = {"crf": "20", "b": "0", "deadline": "good", "cpu-used": "4"}

# Suffix -> units of time in a second, the fewest of them that a frame is shown, the most.
_ANIMATIONS = {
    # Browsers show what is to be shown for 10 ms for 100.
    ".gif": (100, 2, 65535),
    ".webp": (1000, 1, 2**24 - 1),
    ".apng": (1000, 1, 65535),
}

WRITTEN = (*_VIDEOS, *_ANIMATIONS)
"""Suffixes of files that `write` can write."""

WRITTEN_IN_WORDS = f"{', '.join(WRITTEN[:-1])} or {WRITTEN[-1]}"

_GIF_COLORS = 256
_GIF_FRAMES_SEEN = 16  # from which the colours are chosen

# Seconds of a frame in a file that says nothing of times, or, as browsers take it, 0 of an animation.
_UNSAID = 0.1
_FASTEST = 1000.0  # frames per second from which on a video's rate is no rate


def is_film(path: Path) -> bool:
    """Whether a file is to be read as a film: by its content, or a broken one by its suffix."""
    if picture_files.is_film(path):
        return True
    return path.suffix.lower() in SUFFIXES and not picture_files.is_picture(path)


def decode(path: Path) -> Iterator[np.ndarray]:
    """All frames of a video or an animation in order, (H, W, 3) uint8 RGB; none if it cannot be read.

    Videos are turned upright, animations are on white.
    """
    for frame, _ in shown(path):
        yield frame if frame.shape[2] == 3 else images.flatten(frame)


def shown(path: Path) -> Iterator[tuple[np.ndarray, float]]:
    """The frames of a video or an animation and how many seconds each is shown; none if unreadable.

    The times are those of the container, of each frame by itself.

    Returns:
      uint8 RGB (H, W, 3), upright; (H, W, 4) frames of animations with transparent parts.
    """
    return _animation(path) if picture_files.frames_of(path) > 1 else _video(path)


def _animation(path):
    with Image.open(path) as image:
        # A PNG's picture for programs that know no animations is not part of it.
        for index in range(getattr(image, "default_image", False), image.n_frames):
            image.seek(index)
            # Of some kinds the time is known when the frame is decoded.
            frame = np.array(image.convert("RGBA"))
            if frame[..., 3].min() == 255:
                frame = np.ascontiguousarray(frame[..., :3])
            yield frame, image.info.get("duration", 0) / 1000 or _UNSAID


def _video(path):
    reader = _open(path)
    try:
        rate = reader.get(cv2.CAP_PROP_FPS)
        steady = 1 / rate if 0 < rate <= _FASTEST else _UNSAID
        times = []
        frame, start = None, 0.0
        while True:
            there, after = reader.read()
            if not there:
                break
            then = reader.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if frame is not None:
                # Where the time stands still the file has none, as a bare stream.
                times.append(then - start if then > start else steady)
                yield frame, times[-1]
            frame, start = cv2.cvtColor(after, cv2.COLOR_BGR2RGB), then
    finally:
        reader.release()
    if frame is not None:
        end = _end(path) if start or not times else None
        if end is None or end <= start:
            end = start + (statistics.median(times) if times else steady)
        yield frame, end - start


def _open(path):
    # FFmpeg takes what stands before a colon in a relative name, such as 10:45:12.webm, for a protocol.
    return cv2.VideoCapture(str(path.absolute()))


def _end(path) -> float | None:
    """When a video's pictures end, in seconds after the first of them is shown; None: it does not say."""
    import av  # here, because it loads a second copy of FFmpeg

    try:
        with av.open(str(path.absolute())) as container:
            stream = container.streams.video[0]
            if stream.time_base is None:
                return None
            if stream.duration:
                return float(stream.duration * stream.time_base)
            said = stream.metadata.get("DURATION")  # Matroska's and WebM's own mark of a stream's end
            if said:
                hours, minutes, seconds = said.split(":")
                start = float((stream.start_time or 0) * stream.time_base)
                return 3600 * int(hours) + 60 * int(minutes) + float(seconds) - start
            # Of a file with sound the whole may last longer than the pictures.
            return (
                container.duration / 1e6 if container.duration and len(container.streams) == 1 else None
            )
    except (av.FFmpegError, IndexError, ValueError):
        return None


def write(path: Path, frames: Iterable[np.ndarray], rate: float) -> int:
    """`write_shown` of frames at one rate, per second."""
    return write_shown(path, ((frame, 1 / rate) for frame in frames))


def write_shown(path: Path, frames: Iterable[tuple[np.ndarray, float]]) -> int:
    """Writes frames as a video that browsers play, or as an animation that repeats for ever.

    The file takes its name when it is complete; what was there before is kept if anything fails.

    Args:
      path: with a suffix in `WRITTEN`.
      frames: (H, W, 3) uint8 RGB of one size, and how many seconds each is shown. Video has even sizes:
        an odd last row or column is repeated. A GIF has 256 colours, the same for all frames, and counts
        hundredths of a second; the others count milliseconds or less. A frame that is too short for
        the file is left out, so that the whole lasts as long as before; one line says so.

    Returns:
      The number of frames.

    Raises:
      UserError: another suffix, a frame that is shown longer than the file can say, or it cannot be
        written.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITTEN:
        raise UserError(f"output {path}: moving pictures are written as {WRITTEN_IN_WORDS}")
    if suffix in _ANIMATIONS:
        content, count = _animated(path, frames, suffix)
        images.write_bytes_atomic(path, content)
        return count
    partial = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        count = _encode(partial, frames, _VIDEOS[suffix], path)
        if _packets(partial) != count:
            raise UserError(f"output {path}: could not be written completely; free some space")
        partial.replace(path)
    except OSError as error:
        raise UserError(
            f"output {path}: cannot be written ({error.strerror}); free some space"
        ) from error
    finally:
        if partial.exists():
            partial.unlink()
    return count


def _in_units(frames, units, fewest, left_out):
    """Frames with the times at which they begin, in whole units; in the end (None, the end).

    Args:
      frames: (frame, seconds).
      units: in a second.
      fewest: that a frame is shown; one that would be shown less is left out, and put into the list.
    """
    time, before = Fraction(0), None
    for frame, seconds in frames:
        begin = round(time * units)
        if before is None or begin - before >= fewest:
            yield frame, begin
            before = begin
        else:
            left_out.append(begin)
        time += Fraction(seconds)
    if before is not None:
        yield None, max(round(time * units), before + fewest)


def _held(frames, units, fewest, left_out):
    """(frame, units it is shown) of `_in_units`."""
    for (frame, begin), (_, end) in itertools.pairwise(_in_units(frames, units, fewest, left_out)):
        yield frame, begin, end - begin


def _tell(path, left_out):
    if left_out:
        log.info(
            "%s: %d frames that would be shown for too short a time are left out; it lasts as long as "
            "before",
            path,
            len(left_out),
        )


def _encode(partial, frames, units, path):
    """Encodes a video and returns the number of its frames."""
    import av  # as in `_end`

    frames = iter(frames)
    first, seconds = next(frames)
    height, width = (side + side % 2 for side in first.shape[:2])
    left_out = []
    shown_for = {}
    with av.open(str(partial.absolute()), "w") as container:
        # A rate that is said for programs that ask for one; what counts are the times.
        rate = Fraction(1 / seconds).limit_denominator(1001)
        stream = container.add_stream(_CODEC, rate=rate, options=_ENCODER)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, units)

        def put(picture):
            for packet in stream.encode(picture):
                packet.duration = shown_for[packet.pts]
                container.mux(packet)

        whole = itertools.chain([(first, seconds)], frames)
        for frame, begin, length in _held(whole, units, 1, left_out):
            pad = ((0, height - frame.shape[0]), (0, width - frame.shape[1]), (0, 0))
            picture = av.VideoFrame.from_ndarray(np.pad(frame, pad, mode="edge"), format="rgb24")
            picture.pts, picture.time_base = begin, Fraction(1, units)
            shown_for[begin] = length
            put(picture)
        put(None)
    _tell(path, left_out)
    return len(shown_for)


def _packets(path):
    """How many frames a written video holds."""
    import av  # as in `_end`

    with av.open(str(path.absolute())) as container:
        return sum(packet.pts is not None for packet in container.demux(video=0))


def _animated(path, frames, suffix):
    """(content of the file, number of frames)."""
    units, fewest, most = _ANIMATIONS[suffix]
    left_out = []
    held = [(frame, length) for frame, _, length in _held(frames, units, fewest, left_out)]
    pictures, lengths = [frame for frame, _ in held], [length for _, length in held]
    if max(lengths) > most:
        raise UserError(
            f"output {path}: a frame is shown for {max(lengths) / units:.0f} s, a {suffix} can say "
            f"{most / units:.0f} at most; give an .mp4"
        )
    _tell(path, left_out)
    buffer = io.BytesIO()
    options = {"duration": [length * 1000 // units for length in lengths], "loop": 0, "save_all": True}
    if suffix == ".gif":
        first, *others = _with_one_palette(pictures)
        first.save(buffer, format="GIF", append_images=others, optimize=False, **options)
    else:
        first, *others = (Image.fromarray(picture) for picture in pictures)
        kind = {"format": "PNG"} if suffix == ".apng" else {"format": "WEBP", "lossless": True}
        first.save(buffer, append_images=others, **kind, **options)
    return buffer.getvalue(), len(held)


def _with_one_palette(frames):
    seen = frames[:: -(-len(frames) // _GIF_FRAMES_SEEN)]
    palette = Image.fromarray(np.concatenate(seen)).quantize(_GIF_COLORS, Image.Quantize.MEDIANCUT)
    # Without dithering, whose grain would be another in each frame.
    return [
        Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames
    ]
