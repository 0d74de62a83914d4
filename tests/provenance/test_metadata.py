from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

from assay.media import Media
from assay.provenance import exif, xmp
from assay.provenance.embedded import Embedded, extract
from assay.provenance.metadata import MetadataExaminer, find_generator_parameters
from assay.testing import ExaminerContract

PIXELS = np.full((64, 64, 3), 90, np.uint8)
DESCRIPTION = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" {attributes}>{children}'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)
A1111 = "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"
COMFY = json.dumps({"3": {"class_type": "KSampler", "inputs": {"seed": 1}}})
AIGC = json.dumps({"Label": "1", "ContentProducer": "00191110108MA01", "ProduceID": "x1"})


def png(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def picture(kind: str, *, tags: dict[int, object] | None = None, packet: str = "") -> bytes:
    data = Image.Exif()
    for tag, value in (tags or {}).items():
        if tag in (0x829A, 0x829D, 0x8827, 0x920A, 0x9286):
            data.get_ifd(0x8769)[tag] = value
        else:
            data[tag] = value
    buffer = io.BytesIO()
    options: dict[str, object] = {"xmp": packet.encode()} if packet else {}
    if packet and kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet)
        options = {"pnginfo": info}
    if packet and kind == "TIFF":
        data[700] = packet.encode()
    Image.fromarray(PIXELS).save(buffer, kind, exif=data.tobytes(), **options)
    return buffer.getvalue()


def findings(data: bytes) -> list[str]:
    return [evidence.finding for evidence in MetadataExaminer().examine(Media.from_bytes(data))]


def packet(attributes: str = "", children: str = "") -> str:
    return DESCRIPTION.format(attributes=attributes, children=children)


class TestContract(ExaminerContract):
    examiner = MetadataExaminer()
    cases: dict[str | Path, str | None] = {}  # noqa: RUF012  # filled by the fixture

    @pytest.fixture(autouse=True)
    def _cases(self, tmp_path: Path) -> None:
        (tmp_path / "plain.png").write_bytes(png())
        (tmp_path / "sd.png").write_bytes(png(parameters=A1111))
        type(self).cases = {
            tmp_path / "plain.png": None,
            tmp_path / "sd.png": "generator-parameters",
        }


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize(
    ("term", "finding"),
    [
        ("trainedAlgorithmicMedia", "iptc-generated"),
        ("compositeWithTrainedAlgorithmicMedia", "iptc-edited"),
        ("digitalCapture", "iptc-captured"),
    ],
)
def test_iptc_source_type_in_every_format(kind: str, term: str, finding: str) -> None:
    uri = f"http://cv.iptc.org/newscodes/digitalsourcetype/{term}"
    as_attribute = packet(f'Iptc4xmpExt:DigitalSourceType="{uri}"')
    as_element = packet("", f"<Iptc4xmpExt:DigitalSourceType>{uri}</Iptc4xmpExt:DigitalSourceType>")
    for text in (as_attribute, as_element):
        assert findings(picture(kind, packet=text)) == [finding]


def test_gb45438_label_in_xmp_png_and_exif() -> None:
    escaped = AIGC.replace('"', "&quot;")
    assert findings(picture("JPEG", packet=packet(f'TC260:AIGC="{escaped}"'))) == ["aigc-label"]
    assert findings(png(AIGC=AIGC)) == ["aigc-label"]
    comment = b"ASCII\0\0\0" + json.dumps({"AIGC": json.loads(AIGC)}).encode()
    assert findings(picture("JPEG", tags={0x9286: comment})) == ["aigc-label"]


@pytest.mark.parametrize(("label", "strength"), [("1", "moderate"), ("2", "weak"), ("3", "weak")])
def test_gb45438_says_how_sure_the_producer_is(label: str, strength: str) -> None:
    data = png(AIGC=json.dumps({"Label": label, "ContentProducer": "p"}))
    [evidence] = MetadataExaminer().examine(Media.from_bytes(data))
    assert (evidence.points_to, evidence.strength) == ("generated", strength)
    assert evidence.details["ContentProducer"] == "p"


@pytest.mark.parametrize(
    ("texts", "tool"),
    [
        ({"parameters": A1111}, "Stable Diffusion WebUI"),
        ({"prompt": COMFY}, "ComfyUI"),
        ({"workflow": '{"last_node_id": 9, "nodes": []}'}, "ComfyUI"),
        ({"Software": "NovelAI", "Source": "Stable Diffusion"}, "NovelAI"),
        ({"invokeai_metadata": "{}"}, "InvokeAI"),
        ({"Description": "a cat --ar 3:2 --v 6.1 Job ID: 01234567-89ab-cdef"}, "Midjourney"),
        ({"Description": "a photograph of a cat"}, None),
        ({"parameters": "exposure +1"}, None),
        ({"prompt": "insert disk"}, None),
    ],
)
def test_generation_settings_in_png_text(texts: dict[str, str], tool: str | None) -> None:
    assert find_generator_parameters(extract(Media.from_bytes(png(**texts))))[0] == tool


def test_settings_in_exif_of_jpeg_and_webp() -> None:
    comment = b"UNICODE\0" + A1111.encode("utf-16-be")
    assert findings(picture("JPEG", tags={0x9286: comment})) == ["generator-parameters"]
    little = b"UNICODE\0" + A1111.encode("utf-16-le")
    assert findings(picture("JPEG", tags={0x9286: little})) == ["generator-parameters"]
    assert findings(picture("WEBP", tags={0x010F: "prompt:" + COMFY})) == ["generator-parameters"]


def test_prompts_are_not_copied_into_evidence() -> None:
    [evidence] = MetadataExaminer().examine(Media.from_bytes(png(parameters=A1111)))
    assert "a cat" not in evidence.model_dump_json()


def test_generator_named_as_software() -> None:
    assert findings(picture("JPEG", tags={0x0131: "Stable Diffusion XL"})) == ["generator-software"]
    assert findings(picture("JPEG", tags={0x0131: "Adobe Photoshop 26.0"})) == []
    firefly = packet('xmp:CreatorTool="Adobe Firefly"')
    assert findings(picture("JPEG", packet=firefly)) == ["generator-software"]


def test_credit_of_an_ai_service() -> None:
    google = packet('photoshop:Credit="Made with Google AI"')
    assert findings(picture("JPEG", packet=google)) == ["ai-system-named"]
    assert findings(picture("JPEG", packet=packet('photoshop:Credit="Reuters"'))) == []


def test_a_camera_is_weak_evidence_and_needs_an_exposure() -> None:
    camera = {0x010F: "Canon", 0x0110: "EOS R5"}
    exposed = {**camera, 0x829A: IFDRational(1, 200), 0x829D: IFDRational(28, 10), 0x8827: 400}
    [evidence] = MetadataExaminer().examine(Media.from_bytes(picture("JPEG", tags=exposed)))
    assert (evidence.finding, evidence.points_to, evidence.strength) == (
        "camera-exif",
        "captured",
        "weak",
    )
    assert evidence.details["ExposureTime"] == "0.005"
    assert findings(picture("JPEG", tags=camera)) == []


def test_unsigned_metadata_is_never_more_than_moderate() -> None:
    files = [png(parameters=A1111), png(AIGC=AIGC), picture("JPEG", tags={0x0131: "ComfyUI"})]
    for data in files:
        for evidence in MetadataExaminer().examine(Media.from_bytes(data)):
            assert evidence.strength in ("weak", "moderate")


def test_compressed_and_international_text_chunks() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", A1111, zip=True)
    info.add_itxt("prompt", COMFY, zip=True)
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "PNG", pnginfo=info)
    found = extract(Media.from_bytes(buffer.getvalue()))
    assert found.texts == {"parameters": A1111, "prompt": COMFY}


def test_a_text_bomb_is_cut_off() -> None:
    bomb = zlib.compress(b"a" * 50_000_000, 9)
    body = b"parameters\x00\x00" + bomb
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body
    chunk += struct.pack(">I", zlib.crc32(b"zTXt" + body))
    plain = png()
    data = plain[:33] + chunk + plain[33:]
    found = Embedded()
    from assay.provenance.embedded import MAX_TEXT_BYTES, _from_png

    _from_png(data, found)
    assert len(found.texts["parameters"]) == MAX_TEXT_BYTES


def test_entity_bombs_and_external_entities_are_not_expanded() -> None:
    bomb = (
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        b'<!ENTITY f SYSTEM "file:///etc/passwd">]><x><y>&b;&f;</y></x>'
    )
    assert xmp.parse(bomb).entries == []


def test_video_container_tags(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mp4"
    options = {"movflags": "use_metadata_tags"}
    with av.open(str(path), "w", options=options) as container:
        container.metadata["prompt"] = COMFY
        container.metadata["AIGC"] = AIGC
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        frame = av.VideoFrame.from_ndarray(PIXELS, format="rgb24")
        for packet_ in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet_)
    found = [e.finding for e in MetadataExaminer().examine(Media.open(path))]
    assert found == ["aigc-label", "generator-parameters"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_hostile_exif_never_raises(tail: bytes) -> None:
    for head in (b"II*\x00\x08\x00\x00\x00", b"MM\x00*\x00\x00\x00\x08"):
        for value in exif.parse(head + tail).values():
            assert isinstance(value, str)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_hostile_xmp_never_raises(data: bytes) -> None:
    assert isinstance(xmp.parse(b"<x:xmpmeta xmlns:x='a'>" + data).entries, list)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_files_never_raise(data: st.DataObject) -> None:
    whole = data.draw(
        st.sampled_from(
            [
                png(parameters=A1111, prompt=COMFY),
                picture("JPEG", tags={0x010F: "Canon"}, packet=packet()),
                picture("WEBP", tags={0x010F: "Canon"}, packet=packet()),
                picture("TIFF", tags={0x010F: "Canon"}),
            ]
        )
    )
    changed = bytearray(whole)
    for _ in range(4):
        at = data.draw(st.integers(8, len(whole) - 1))
        changed[at] = data.draw(st.integers(0, 255))
    media = Media(bytes(changed), Media.from_bytes(whole).media_type, 64, 64)
    for evidence in MetadataExaminer().examine(media):
        assert evidence.strength in ("weak", "moderate")
