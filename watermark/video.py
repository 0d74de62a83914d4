"""Marks in moving pictures.

Every frame carries the same pattern at the same place, so that the detector can add up whitened
frames: the mark grows with their number, the moving picture and the coding noise do not. The
amplitudes are designed in a closed loop at key frames only and reused until the next one or the
next cut; the strength follows the content of every frame. Only luma is touched. Audio and all
other streams are copied packet by packet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from assay.errors import AlreadyMarked, DamagedMedia, OutputRefused, UnsupportedMedia
from assay.watermark.carrier import carrier_of
from assay.watermark.detection import Detection, detect_views
from assay.watermark.embedding import design, redraw
from assay.watermark.images import canonical_luma, canonical_planes, check_pixels
from assay.watermark.keys import Key, families_of, family_of
from assay.watermark.payload import LONG, check_payload
from assay.watermark.projections import Pattern
from assay.watermark.rendering import add_plane
from assay.watermark.video_frames import frame_of, pixel_format, planes_of, quarter_turns
from assay.watermark.whitening import whiten

#: Frames between two closed-loop designs: one second of most footage.
KEY_FRAME_DISTANCE = 24

#: Mean change of a 32 x 32 thumbnail, in grey levels, that counts as a cut.
CUT_THRESHOLD = 20.0

#: Frames the detector samples, evenly over the video, and the counts after which it looks.
SAMPLED_FRAMES = 48
LOOKS = (1, 4, 12, 24, 48)

#: Encoders by name of the codec that came in, with options: constant-rate factors at which they
#: are visually near lossless. WebM holds VP9 only; everything else becomes H.264.
ENCODERS = {
    "h264": ("libx264", {"crf": "16", "preset": "medium"}),
    "hevc": ("libx265", {"crf": "18", "preset": "medium", "x265-params": "log-level=error"}),
    "webm": ("libvpx-vp9", {"crf": "20", "b:v": "0", "deadline": "good", "cpu-used": "4"}),
}

#: (frames done, frames in all or None when the container does not say).
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class VideoReport:
    """What `embed_video` did."""

    frames: int
    key_frames: int
    streams_copied: int


class VideoMarker:
    """Marks the frames of one video in order.

    Args:
        payload: 60 bits; video always carries all of them.
        key: None is the documented public key.
        strength: factor on the strength that visibility allows.
    """

    def __init__(self, payload: int, *, key: Key = None, strength: float = 1.0) -> None:
        carrier = carrier_of(family_of(key))
        symbols = carrier.message_symbols(check_payload(payload), LONG)
        self._pattern = Pattern(carrier, symbols)
        self._strength = strength
        self._amplitude: NDArray[np.float32] | None = None
        self._thumbnail: NDArray[np.float32] | None = None
        self._age = 0
        self.key_frames = 0

    def mark(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The marked copy of the next frame: uint8, (H, W), (H, W, 3) or (H, W, 4)."""
        shaped = check_pixels(frame)
        planes = canonical_planes(shaped)
        small = cv2.resize(planes.luma, (32, 32), interpolation=cv2.INTER_AREA)
        thumbnail = np.asarray(small, np.float32)
        if self._amplitude is None or self._is_new(thumbnail):
            made = design(planes, self._pattern, self._strength)
            plane, self._amplitude = made.plane, made.amplitude
            self._age = 0
            self.key_frames += 1
        else:
            plane = redraw(planes, self._pattern, self._amplitude, self._strength)
        self._thumbnail = thumbnail
        self._age += 1
        return add_plane(shaped, plane).reshape(frame.shape).astype(np.uint8, copy=False)

    def _is_new(self, thumbnail: NDArray[np.float32]) -> bool:
        if self._age >= KEY_FRAME_DISTANCE or self._thumbnail is None:
            return True
        return float(np.abs(thumbnail - self._thumbnail).mean()) > CUT_THRESHOLD


class VideoDetector:
    """Accumulates whitened frames until their mark can be read.

    Frames must have one size. `add` looks for the mark after 1, 4, 12, 24 and 48 frames; every
    look is counted in the false-alarm bound.
    """

    def __init__(self, *, key: Key | Sequence[Key] = None) -> None:
        self._families = families_of(key)
        self._sum: NDArray[np.float32] | None = None
        self.frames = 0
        self.detection: Detection | None = None

    def add(self, frame: NDArray[np.uint8]) -> Detection | None:
        """Take one more frame; the detection as soon as there is one."""
        if self.detection is not None:
            return self.detection
        views = whiten(canonical_luma(check_pixels(frame))).values
        if self._sum is not None and self._sum.shape != views.shape:
            raise UnsupportedMedia("the frames of the video change their size")
        self._sum = views if self._sum is None else self._sum + views
        self.frames += 1
        if self.frames in LOOKS:
            self._look()
        return self.detection

    def finish(self) -> Detection | None:
        """Look once more after the last frame."""
        if self.detection is None and self._sum is not None and self.frames not in LOOKS:
            self._look()
        return self.detection

    def _look(self) -> None:
        assert self._sum is not None
        attempts = len(LOOKS) + 1
        self.detection = detect_views(self._sum, self._families, attempts=attempts)


def detect_video(path: str | Path, *, key: Key | Sequence[Key] = None) -> Detection | None:
    """Read the mark of a video file from frames spread over its length.

    Raises:
        DamagedMedia: the file cannot be decoded.
        UnsupportedMedia: it has no video stream.
    """
    detector = VideoDetector(key=key)
    try:
        with av.open(str(path)) as source:
            stream = _video_stream(source)
            stream.thread_type = "AUTO"
            stride = max(1, (_frame_count(source) or 0) // SAMPLED_FRAMES)
            for number, frame in enumerate(source.decode(stream)):
                if number % stride == 0 and detector.add(planes_of(frame).gray()) is not None:
                    break
                if detector.frames >= SAMPLED_FRAMES:
                    break
    except av.FFmpegError as error:
        raise DamagedMedia(f"the video cannot be decoded: {error}") from error
    return detector.finish()


def embed_video(
    source_path: str | Path,
    target_path: str | Path,
    payload: int,
    *,
    key: Key = None,
    strength: float = 1.0,
    existing: str = "refuse",
    progress: Progress | None = None,
) -> VideoReport:
    """Write a marked copy of a video file.

    The video stream is encoded again, upright: as H.265 if it was that, as VP9 into .webm, and as
    H.264 otherwise. All other streams are copied untouched.

    Args:
        progress: called after every frame with (frames done, frames in all or None).
        existing: what to do with a video that already carries a mark of this key.

    Raises:
        AlreadyMarked: the video carries a mark and `existing` is "refuse".
        DamagedMedia: the video cannot be read or written.
        UnsupportedMedia: it has no video stream, or its frames change their size.
        OutputRefused: the target's container cannot hold one of the streams.
    """
    marker = VideoMarker(payload, key=key, strength=strength)
    if existing == "refuse" and (found := detect_video(source_path, key=key)) is not None:
        raise AlreadyMarked(f"the video already carries the watermark {found.payload:#x}")
    try:
        return _transcode(Path(source_path), Path(target_path), marker, progress)
    except av.FFmpegError as error:
        Path(target_path).unlink(missing_ok=True)
        raise DamagedMedia(f"the video cannot be read or written: {error}") from error


def _transcode(
    source_path: Path, target_path: Path, marker: VideoMarker, progress: Progress | None
) -> VideoReport:
    """Decode, mark and encode the video stream; copy the others."""
    quarters = _turns(source_path)
    frames = 0
    with av.open(str(source_path)) as source, av.open(str(target_path), "w") as target:
        video = _video_stream(source)
        total = _frame_count(source)
        target.metadata.update(source.metadata)
        output = _open_encoder(target, video, quarters)
        others = _open_copies(source, target, video)
        for packet in source.demux():
            if packet.stream is video:
                for frame in video.codec_context.decode(packet):
                    target.mux(output.encode(_marked(frame, marker, quarters)))
                    frames += 1
                    if progress is not None:
                        progress(frames, total)
            elif packet.stream.index in others and packet.dts is not None:
                packet.stream = others[packet.stream.index]
                target.mux(packet)
        target.mux(output.encode(None))
    return VideoReport(frames, marker.key_frames, len(others))


def _turns(path: Path) -> int:
    """Quarter turns that show the first frame of a file upright."""
    with av.open(str(path)) as source:
        for frame in source.decode(_video_stream(source)):
            return quarter_turns(frame)
    raise DamagedMedia("the video has no frames")


def _marked(frame: av.VideoFrame, marker: VideoMarker, quarters: int) -> av.VideoFrame:
    """An upright copy of a frame with a marked luma plane."""
    planes = planes_of(frame).turned(quarters)
    gray = np.ascontiguousarray(planes.gray())
    change = marker.mark(gray).astype(np.float32) - gray
    return frame_of(planes.changed(change), frame)


def _video_stream(source: av.container.InputContainer) -> av.VideoStream:
    if not source.streams.video:
        raise UnsupportedMedia("the file has no video stream")
    return source.streams.video[0]


def _frame_count(source: av.container.InputContainer) -> int | None:
    """Frames of the first video stream, counted by the container or from its duration."""
    stream = source.streams.video[0]
    if stream.frames:
        return int(stream.frames)
    if source.duration and stream.average_rate:
        return int(source.duration / av.time_base * float(stream.average_rate))
    return None


def _open_encoder(
    target: av.container.OutputContainer, video: av.VideoStream, quarters: int
) -> av.VideoStream:
    """The stream that the marked frames are encoded into."""
    codec = "webm" if target.format.name == "webm" else video.codec_context.name
    name, options = ENCODERS.get(codec, ENCODERS["h264"])
    output = target.add_stream(name, rate=video.average_rate, options=options)
    assert isinstance(output, av.VideoStream)
    upright = quarters % 2 == 0
    output.width = video.width if upright else video.height
    output.height = video.height if upright else video.width
    output.pix_fmt = pixel_format(video.height, video.width)
    if video.time_base is not None:
        output.codec_context.time_base = video.time_base
    return output


def _open_copies(
    source: av.container.InputContainer,
    target: av.container.OutputContainer,
    video: av.VideoStream,
) -> dict[int, av.stream.Stream]:
    """Output streams of everything but the video, by input index."""
    others: dict[int, av.stream.Stream] = {}
    for stream in source.streams:
        if stream is video:
            continue
        try:
            others[stream.index] = target.add_stream_from_template(stream)
        except (ValueError, TypeError, av.FFmpegError) as error:
            kind = f"{stream.type} stream {stream.index}"
            message = f"the output container cannot hold the {kind}"
            raise OutputRefused(message, advice="Write to a .mkv file.") from error
    return others
