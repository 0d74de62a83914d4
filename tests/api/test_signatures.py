"""`/v1/signatures`, `/v1/works`, `/v1/matches`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from starlette.testclient import TestClient

from assay.api import matches, works
from assay.api.signatures import router as signatures
from assay.encoding import encode_jpeg, encode_png
from assay.media import Media
from assay.provenance import keys
from assay.provenance.reading import read
from assay.settings import settings
from tests.api.small_app import calling, new_key, small_app

SIGNATURES, WORKS, MATCHES = "/v1/signatures", "/v1/works", "/v1/matches"


@pytest.fixture
def client() -> Iterator[TestClient]:
    keys.init()
    with calling(small_app(signatures.router, works.router, matches.router)) as client:
        yield client


def upload(data: bytes, name: str = "picture.png") -> dict[str, tuple[str, bytes]]:
    return {"file": (name, data)}


def code(response: object) -> str:
    return str(response.json()["type"]).rpartition(":")[2]  # type: ignore[attr-defined]


def bearer(*scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {new_key(*scopes)}"}


class TestSignatures:
    def test_the_answer_is_the_signed_file(self, client: TestClient, astronaut: np.ndarray) -> None:
        form = {"generator": "demo", "profile": "generated", "title": "A portrait"}
        response = client.post(SIGNATURES, files=upload(encode_png(astronaut)), data=form)

        assert response.status_code == 201
        assert response.headers["content-type"] == "image/png"
        assert "attachment" in response.headers["content-disposition"]
        assert "picture.signed.png" in response.headers["content-disposition"]
        assert response.headers["x-content-type-options"] == "nosniff"
        credentials = read(Media.from_bytes(response.content))
        assert credentials.state == "trusted"
        assert credentials.manifest_label == response.headers["assay-manifest"]

        receipt = client.get(response.headers["location"]).json()
        assert receipt["name"] == "picture.png"
        assert receipt["receipt"]["manifest_label"] == response.headers["assay-manifest"]
        assert receipt["receipt"]["sha256_after"] == Media.from_bytes(response.content).sha256
        assert receipt["size"] == len(response.content)

    def test_an_edit_names_its_parent(self, client: TestClient, chelsea: np.ndarray) -> None:
        files = {**upload(encode_png(chelsea)), "parent": ("p.jpg", encode_jpeg(chelsea, 90))}
        response = client.post(SIGNATURES, files=files, data={"profile": "edited"})
        assert response.status_code == 201
        assert len(read(Media.from_bytes(response.content)).ingredients) == 1

    @pytest.mark.parametrize(
        "form",
        [
            {"profile": "edited"},
            {"profile": "invented"},
            {"generator": "x" * 201},
            {"generator": "a\nb"},
            {"title": "a\x00b"},
            {"seed": "-1"},
            {"training": "perhaps"},
        ],
    )
    def test_forms_that_are_not_valid(
        self, client: TestClient, chelsea: np.ndarray, form: dict[str, str]
    ) -> None:
        response = client.post(SIGNATURES, files=upload(encode_png(chelsea)), data=form)
        assert response.status_code == 422
        assert code(response) == "invalid-request"
        assert client.get(SIGNATURES).json()["items"] == []

    def test_a_file_that_is_already_marked(self, client: TestClient, astronaut: np.ndarray) -> None:
        signed = client.post(SIGNATURES, files=upload(encode_png(astronaut)))
        again = client.post(SIGNATURES, files=upload(signed.content))
        assert again.status_code == 409
        assert code(again) == "already-marked"

    def test_no_media(self, client: TestClient) -> None:
        assert client.post(SIGNATURES, files=upload(b"text")).status_code == 415
        assert client.post(SIGNATURES, files=upload(b"")).status_code == 422

    def test_without_keys(
        self, client: TestClient, chelsea: np.ndarray, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import shutil

        shutil.rmtree(settings().keys_folder)
        response = client.post(SIGNATURES, files=upload(encode_png(chelsea)))
        assert response.status_code == 503
        assert code(response) == "keys-unavailable"

    def test_sent_twice_it_is_signed_once(self, client: TestClient, chelsea: np.ndarray) -> None:
        data, headers = encode_png(chelsea), {"Idempotency-Key": "one"}
        first = client.post(SIGNATURES, files=upload(data), headers=headers)
        second = client.post(SIGNATURES, files=upload(data), headers=headers)
        assert second.content == first.content
        for name in ("location", "assay-manifest", "content-disposition", "content-type"):
            assert second.headers[name] == first.headers[name]
        assert len(client.get(SIGNATURES).json()["items"]) == 1

    def test_each_caller_sees_their_own(self, client: TestClient, chelsea: np.ndarray) -> None:
        ana, ben, admin = bearer("sign"), bearer("sign"), bearer("admin")
        made = [
            client.post(
                SIGNATURES, files=upload(encode_png(np.roll(chelsea, 40 * turn, 1))), headers=who
            ).headers["location"]
            for turn, who in enumerate([ana, ana, ben])
        ]
        assert len(client.get(SIGNATURES, headers=ana).json()["items"]) == 2
        assert len(client.get(SIGNATURES, headers=ben).json()["items"]) == 1
        assert len(client.get(SIGNATURES, headers=admin).json()["items"]) == 3
        assert client.get(made[0], headers=ben).status_code == 404
        assert client.delete(made[0], headers=ben).status_code == 404
        assert client.get(made[0], headers=ana).status_code == 200
        assert client.get(SIGNATURES, headers=bearer("verify")).status_code == 403

        first = client.get(SIGNATURES, params={"limit": 2}, headers=admin).json()
        rest = client.get(
            SIGNATURES, params={"limit": 2, "cursor": first["next"]}, headers=admin
        ).json()
        listed = [item["id"] for item in first["items"] + rest["items"]]
        assert listed == [address.rpartition("/")[2] for address in reversed(made)]
        assert rest["next"] is None

    @pytest.mark.parametrize("cursor", ["x", "bm9uc2Vuc2U", "W10", "W251bGwsbnVsbF0", "é"])
    def test_cursors_of_nobody(self, client: TestClient, cursor: str) -> None:
        assert client.get(SIGNATURES, params={"cursor": cursor}).status_code == 422

    def test_delete(self, client: TestClient, chelsea: np.ndarray) -> None:
        headers = {"Idempotency-Key": "one"}
        made = client.post(SIGNATURES, files=upload(encode_png(chelsea)), headers=headers)
        address, id = made.headers["location"], made.headers["location"].rpartition("/")[2]
        assert client.delete(address).status_code == 204
        assert client.get(address).status_code == client.delete(address).status_code == 404
        kept = b"".join(
            file.read_bytes()
            for file in settings().home.rglob("*")
            if file.is_file() and not file.name.startswith(("registry", "key"))
        )
        assert id.encode() not in kept

    def test_a_hostile_name(self, client: TestClient, chelsea: np.ndarray) -> None:
        name = '../..\\evil"\r\nX-Injected: 1\u202e.png'
        made = client.post(SIGNATURES, files=upload(encode_png(chelsea), name))
        assert "x-injected" not in made.headers
        assert "/" not in made.headers["content-disposition"].replace("UTF-8''", "")
        told = client.get(made.headers["location"]).json()["name"]
        assert "\n" not in told
        assert "/" not in told


class TestWorks:
    def test_a_work_is_registered_found_and_removed(
        self, client: TestClient, coffee: np.ndarray
    ) -> None:
        form = {
            "title": "Cup",
            "rights_holder": "Ana",
            "sources": ["https://example.org/a", "https://example.org/b"],
            "training_opt_out": "true",
        }
        made = client.post(WORKS, files=upload(encode_png(coffee)), data=form)
        assert made.status_code == 201
        work = client.get(made.headers["location"]).json()
        assert work == made.json()
        assert (work["title"], work["sources"]) == ("Cup", form["sources"])

        copy = upload(encode_jpeg(coffee[20:-20, 30:-30], 60))
        found = client.post(MATCHES, files=copy).json()
        assert found["works"] == 1
        [match] = found["matches"]
        assert (match["work_id"], match["decision"]) == (work["id"], "match")
        assert match["work"]["title"] == "Cup"

        assert client.delete(made.headers["location"]).status_code == 204
        assert client.post(MATCHES, files=copy).json()["matches"] == []
        assert client.get(made.headers["location"]).status_code == 404
        assert client.delete(made.headers["location"]).status_code == 404

    def test_exact_distances_are_for_those_who_said_who_they_are(
        self, client: TestClient, coffee: np.ndarray
    ) -> None:
        client.post(WORKS, files=upload(encode_png(coffee)))
        copy = upload(encode_jpeg(coffee, 80))

        def distance(headers: dict[str, str]) -> object:
            answer = client.post(MATCHES, files=copy, headers=headers).json()
            return answer["matches"][0]["receipt"]["distance"]

        assert distance({}) is None
        assert distance(bearer("verify")) is None
        assert isinstance(distance(bearer("verify", "works")), int)

    def test_nothing_registered(self, client: TestClient, coffee: np.ndarray) -> None:
        answer = client.post(MATCHES, files=upload(encode_png(coffee)))
        assert (answer.status_code, answer.json()["matches"]) == (200, [])
        assert client.get(WORKS).json() == {"items": [], "next": None}
        assert client.get(f"{WORKS}/none").status_code == 404
        assert client.delete(f"{WORKS}/none").status_code == 404

    def test_a_list_in_pages(
        self, client: TestClient, coffee: np.ndarray, flower: np.ndarray, china: np.ndarray
    ) -> None:
        for name, pixels in {"b": coffee, "a": flower, "c": china}.items():
            made = client.post(WORKS, files=upload(encode_png(pixels)), data={"id": name})
            assert made.status_code == 201
        first = client.get(WORKS, params={"limit": 2}).json()
        rest = client.get(WORKS, params={"limit": 2, "cursor": first["next"]}).json()
        assert [work["id"] for work in first["items"]] == ["a", "b"]
        assert ([work["id"] for work in rest["items"]], rest["next"]) == (["c"], None)

    @pytest.mark.parametrize(
        "form",
        [
            {"id": "a/b"},
            {"id": "a\nb"},
            {"kind": "sculpture"},
            {"valid_from": "2026-01-02T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z"},
            {"valid_from": "yesterday"},
            {"title": "x" * 1001},
        ],
    )
    def test_works_that_are_refused(
        self, client: TestClient, coffee: np.ndarray, form: dict[str, str]
    ) -> None:
        made = client.post(WORKS, files=upload(encode_png(coffee)), data=form)
        assert made.status_code == 422

    def test_an_id_that_is_taken(self, client: TestClient, coffee: np.ndarray) -> None:
        data = {"id": "mine"}
        assert client.post(WORKS, files=upload(encode_png(coffee)), data=data).status_code == 201
        again = client.post(WORKS, files=upload(encode_png(coffee)), data=data)
        assert again.status_code == 422
        assert code(again) == "work-refused"

    def test_scopes(self, client: TestClient, coffee: np.ndarray) -> None:
        files = upload(encode_png(coffee))
        assert client.post(WORKS, files=files, headers=bearer("verify")).status_code == 403
        assert client.post(MATCHES, files=files, headers=bearer("sign")).status_code == 403
        assert client.post(WORKS, files=files, headers=bearer("works")).status_code == 201
