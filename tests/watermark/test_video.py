"""Marks in video files."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from assay import watermark
from assay.errors import AlreadyMarked, DamagedMedia, UnsupportedMedia
from assay.watermark.video_frames import Planes, frame_of, planes_of

PAYLOAD = 0x0FED_CBA9_8765_432
FRAMES = 12


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, large_scene: NDArray[np.uint8]) -> Path:
    """A panning shot of 480 x 320 with a second of sound."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    with av.open(str(path), "w") as target:
        video = target.add_stream("libx264", rate=25, options={"crf": "18"})
        video.width, video.height, video.pix_fmt = 480, 320, "yuv420p"
        audio = target.add_stream("aac", rate=16_000)
        for number in range(FRAMES):
            part = np.ascontiguousarray(large_scene[100:420, 10 * number : 10 * number + 480])
            target.mux(video.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
        tone = (8000 * np.sin(np.arange(16_000) / 10)).astype(np.int16)[None]
        sound = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        sound.rate = 16_000
        target.mux(audio.encode(sound))
        target.mux(audio.encode(None))
        target.mux(video.encode(None))
    return path


@pytest.fixture(scope="module")
def marked_clip(clip: Path) -> Path:
    path = clip.with_name("marked.mp4")
    seen: list[tuple[int, int | None]] = []
    report = watermark.embed_video(
        clip, path, PAYLOAD, progress=lambda done, total: seen.append((done, total))
    )
    assert report.frames == FRAMES
    assert report.streams_copied == 1
    assert seen[-1] == (FRAMES, FRAMES)
    return path


def sound_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as source:
        return [bytes(packet) for packet in source.demux(audio=0) if packet.dts is not None]


def test_marked_clip_is_read(marked_clip: Path) -> None:
    found = watermark.detect_video(marked_clip)
    assert found is not None
    assert (found.payload, found.payload_bits) == (PAYLOAD, 60)


def test_unmarked_clip_has_no_mark(clip: Path) -> None:
    assert watermark.detect_video(clip) is None


def test_sound_is_copied_untouched(clip: Path, marked_clip: Path) -> None:
    assert sound_packets(marked_clip) == sound_packets(clip)


def test_marked_clip_is_not_marked_again(marked_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(AlreadyMarked):
        watermark.embed_video(marked_clip, tmp_path / "again.mp4", 1)


def test_frames_are_marked_one_by_one(large_scene: NDArray[np.uint8]) -> None:
    marker = watermark.VideoMarker(PAYLOAD)
    detector = watermark.VideoDetector()
    for shift in range(3):
        frame = np.ascontiguousarray(large_scene[shift * 9 :][:500])
        detector.add(marker.mark(frame))
    found = detector.finish()
    assert marker.key_frames == 1
    assert found is not None
    assert found.payload == PAYLOAD


def test_frames_of_changing_size_are_refused(large_scene: NDArray[np.uint8]) -> None:
    detector = watermark.VideoDetector()
    detector.add(large_scene)
    with pytest.raises(UnsupportedMedia):
        detector.add(np.ascontiguousarray(large_scene[:-20]))


def test_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"not a video at all")
    with pytest.raises(DamagedMedia):
        watermark.detect_video(path)


def test_turned_frames_come_out_upright() -> None:
    luma = np.arange(96 * 128, dtype=np.uint32).reshape(96, 128).astype(np.uint8)
    chroma = np.zeros((48, 64), np.uint8)
    planes = Planes(luma, chroma, chroma, full_range=False)
    assert (planes.turned(1).luma == np.rot90(luma)).all()
    assert planes.turned(3).blue.shape == (64, 48)


def test_frames_survive_the_way_through_planes() -> None:
    pixels = np.random.default_rng(1).integers(16, 235, (144, 128), np.uint8)
    frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
    frame.pts = 7
    planes = planes_of(frame)
    again = frame_of(planes, frame)
    assert again.pts == 7
    assert (again.to_ndarray() == pixels).all()
    changed = frame_of(planes.changed(np.full((96, 128), 10, np.float32)), frame)
    assert (frame.to_ndarray() == pixels).all()  # the decoder's own frame is left alone
    assert (changed.to_ndarray()[96:] == pixels[96:]).all()
