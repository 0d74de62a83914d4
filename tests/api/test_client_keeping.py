"""What the Python client asks of what a service keeps, blocking and with asyncio."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.api.client import AsyncClient, Client, Unknown
from assay.encoding import encode_jpeg, encode_png
from assay.evidence import Verification


@pytest.fixture
def archive(chelsea: np.ndarray) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("0.jpg", encode_jpeg(chelsea[::4, ::4], 70))
        file.writestr("manifest.csv", "path,prompt,seed\n0.jpg,a nurse,0")
        file.writestr("labels.csv", "path,attribute,value,rater\n0.jpg,gender,woman,r1")
        file.writestr("reference.csv", "attribute,value,share\ngender,woman,0.5\ngender,man,0.5")
    return packed.getvalue()


def test_works_and_verifications(service: Any, china: np.ndarray, tmp_path: Path) -> None:
    data = encode_png(np.ascontiguousarray(china[:200, :300]))
    with Client(service.address) as client:
        work = client.register(
            data, title="A palace", sources=["https://a.example", "https://b.example"]
        )
        assert work.sources == ("https://a.example", "https://b.example")
        assert work in client.works()
        assert client.match(data)[0].work == work
        client.remove_work(work.id)
        assert work not in client.works()
        with pytest.raises(Unknown):
            client.remove_work(work.id)

        verification = client.verify(data, name="palace.png")
        (newest,) = client.verifications(most=1)
        assert (newest.name, newest.sha256) == ("palace.png", verification.media.sha256)
        assert (newest.status, newest.category) == ("done", verification.verdict.category)
        assert newest.created.tzinfo is not None
        page = client.report(newest.id, out=tmp_path / "report.html")
        assert page == (tmp_path / "report.html").read_bytes()
        assert b"palace.png" in page
        document = json.loads(client.report(newest.id, kind="json"))
        assert Verification.model_validate(document) == verification


def test_lists_go_on_to_the_next_page(
    service: Any, china: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.api.client.keeping.PAGE", 1)
    with Client(service.address) as client:
        made = [
            client.register(encode_png(np.roll(china[100:300, 200:500], 60 * n, 0)))
            for n in range(2)
        ]
        assert {work.id for work in client.works()} >= {work.id for work in made}
        assert len(client.works(most=1)) == 1
        for work in made:
            client.remove_work(work.id)


def test_audits(service: Any, archive: bytes) -> None:
    async def audited() -> None:
        async with AsyncClient(service.address) as client:
            started = await client.start_audit(archive, title="One nurse", pdf="false")
            assert started.title == "One nurse"
            found = started
            while found.status in ("queued", "running"):
                await asyncio.sleep(0.2)
                found = await client.audit(started.id)
            assert found.status == "done", found.problem
            assert started.id in [audit.id for audit in await client.audits()]
            assert "report.json" in found.reports
            report = json.loads(await client.audit_report(started.id, "report.json"))
            assert report
            await client.delete_audit(started.id)
            assert started.id not in [audit.id for audit in await client.audits()]

    asyncio.run(audited())


def test_both_clients_can_do_the_same() -> None:
    public = {name for name in dir(Client) if not name.startswith("_")}
    assert public == {name for name in dir(AsyncClient) if not name.startswith("_")}
