"""Each published layout gives the label, generator and source its authors meant."""

import pytest

from assay.datasets.layouts import read_folder
from assay.errors import InputRefused

CASES = {
    "GenImage": [
        ("Midjourney/val/ai/1.png", "generated", "Midjourney"),
        ("Midjourney/val/nature/2.JPEG", "real", "camera"),
        ("BigGAN/train/ai/3.png", "generated", "BigGAN"),
    ],
    "ForenSynths": [
        ("stylegan/car/1_fake/1.png", "generated", "stylegan"),
        ("stylegan/car/0_real/1.png", "real", "camera"),
        ("deepfake/1_fake/9.png", "generated", "deepfake"),
    ],
    "Chameleon": [
        ("test/1_fake/1.jpg", "generated", "Chameleon"),
        ("test/0_real/1.jpg", "real", "camera"),
    ],
    "WildRF": [
        ("test/reddit/1_fake/1.jpg", "generated", "reddit"),
        ("test/reddit/0_real/1.jpg", "real", "camera"),
    ],
    "CommunityForensics": [
        ("fake/flux-dev/1.png", "generated", "flux-dev"),
        ("real/laion/1.png", "real", "camera"),
    ],
    "DeepfakeBench": [
        ("FF++/manipulated_sequences/FaceSwap/c23/frames/001/1.png", "generated", "FaceSwap"),
        ("FF++/original_sequences/youtube/c23/frames/001/1.png", "real", "camera"),
    ],
}


@pytest.mark.parametrize("layout", CASES)
def test_layout(layout, tmp_path):
    folder = tmp_path / layout
    for path, _, _ in CASES[layout]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    rows = {row.path.relative_to(folder).as_posix(): row for row in read_folder(folder)}
    assert len(rows) == len(CASES[layout])
    for path, label, generator in CASES[layout]:
        assert (rows[path].label, rows[path].generator) == (label, generator)


def test_sources_of_one_benchmark_differ(tmp_path):
    for path in ("test/reddit/0_real/1.jpg", "test/facebook/0_real/1.jpg"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_bytes(b"")
    assert len({row.source for row in read_folder(tmp_path)}) == 2


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "1.jpg").write_bytes(b"")
    with pytest.raises(InputRefused, match="known benchmark layout"):
        read_folder(tmp_path)
    with pytest.raises(InputRefused, match="not a folder"):
        read_folder(tmp_path / "none")
