"""Clients that behave: they try again with the same `Idempotency-Key`, at any process."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Sequence
from random import Random
from typing import Any

import httpx

from tests.benchmarks.soaking.ledger import Ledger, Signing, Upload
from tests.benchmarks.soaking.pictures import Files
from tests.benchmarks.soaking.servers import Service

VERIFICATIONS = "/v1/verifications"
SIGNATURES = "/v1/signatures"
GIVE_UP_SECONDS = 120.0
ANSWER_SECONDS = 90.0  # longer than the service lets anyone wait
AGAIN_SECONDS = 0.3  # whatever `Retry-After` says: the sooner, the harder on the service
PAUSE_SECONDS = 1.0  # at most, between two files
HOSTILE = 0.3
SIGNED = 0.3
DELETED = 0.1
READ = 0.1
WATERMARKED = 0.5
LARGE = 0.1  # of the signed files: their answers are kept in the bucket
_IN_FLIGHT = "urn:assay:problem:idempotency-in-flight"


class Lost(Exception):
    """Nobody answered in time."""


class Caller:
    """Asks the API processes in turn until one gives an answer that counts."""

    def __init__(self, services: Sequence[Service], key: str, ledger: Ledger) -> None:
        self._services = itertools.cycle(services)
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"}, timeout=ANSWER_SECONDS
        )
        self._ledger = ledger

    def once(self, method: str, route: str, id: str = "", **more: Any) -> httpx.Response | None:
        """One request to the next process; None when no answer came."""
        service = next(self._services)
        life = service.life.number
        address = f"{service.address}{route.replace('{id}', id)}"
        try:
            answer = self._client.request(method, address, **more)
        except httpx.TransportError:
            self._ledger.note_broken(service.name, life)
            return None
        self._ledger.note(service.name, life, method, route, answer.status_code)
        if route == SIGNATURES and answer.status_code == 201:
            self._ledger.note_signed(service.name, life, "idempotency-replayed" in answer.headers)
        return answer

    def ask(
        self, method: str, route: str, id: str = "", *, about: Upload | Signing, **more: Any
    ) -> httpx.Response:
        """An answer that counts.

        Raises:
            Lost: there was none for two minutes.
        """
        began = time.monotonic()
        while time.monotonic() - began < GIVE_UP_SECONDS:
            answer = self.once(method, route, id, **more)
            if answer is not None and not _says_again(answer):
                return answer
            about.unclear += method != "GET"
            time.sleep(AGAIN_SECONDS)
        raise Lost(f"{method} {route} {about.key}")

    def close(self) -> None:
        self._client.close()


class Client(threading.Thread):
    """Uploads, signs, reads and deletes until it is told that it is enough."""

    def __init__(
        self, number: int, *, caller: Caller, files: Files, ledger: Ledger, seed: int
    ) -> None:
        super().__init__(name=f"client {number}", daemon=True)
        self.enough = threading.Event()
        self._number = number
        self._drawn = Random(f"{seed} {number}")
        self._caller = caller
        self._files = files
        self._ledger = ledger

    def run(self) -> None:
        for count in itertools.count():
            if self.enough.is_set():
                break
            mark = f"{self._number}-{count}"
            try:
                if self._drawn.random() < SIGNED:
                    self._sign(f"sign {mark}")
                else:
                    self._upload(f"upload {mark}")
            except Lost as lost:
                self._ledger.lost.append(str(lost))
            self.enough.wait(self._drawn.uniform(0, PAUSE_SECONDS))
        self._caller.close()

    def _upload(self, key: str) -> None:
        bad = self._drawn.random() < HOSTILE
        data = (self._files.bad if bad else self._files.good)(self._drawn, key)
        upload = Upload(key, _hash(data))
        self._ledger.uploads[key] = upload
        waits = self._drawn.random() < 0.5
        began = time.monotonic()
        answer = send_upload(self._caller, upload, data, "wait=60" if waits else "respond-async")
        read_answer(upload, answer, self._ledger)
        if upload.id is None:
            self._ledger.took("refused", time.monotonic() - began)
            return
        if upload.status is None and self._drawn.random() < DELETED / 2:
            self._remove(upload)  # while it waits or is examined
            return
        while upload.status is None:
            time.sleep(0.2)
            self._read(upload)
        self._ledger.took("verified", time.monotonic() - began)
        if self._drawn.random() < READ:
            self._report(upload)
        if self._drawn.random() < DELETED:
            self._remove(upload)

    def _read(self, upload: Upload) -> None:
        answer = self._caller.ask("GET", f"{VERIFICATIONS}/{{id}}", str(upload.id), about=upload)
        if answer.status_code != 200:
            self._ledger.wrong.append(f"{upload.key}: {answer.status_code} for what was accepted")
            upload.status = "gone"
        elif (found := answer.json())["status"] in ("done", "failed"):
            upload.status = found["status"]
            if found["verification"]:
                upload.category = found["verification"]["verdict"]["category"]

    def _report(self, upload: Upload) -> None:
        route = f"{VERIFICATIONS}/{{id}}/report.html"
        answer = self._caller.ask("GET", route, str(upload.id), about=upload)
        if answer.status_code != (200 if upload.status == "done" else 409):
            self._ledger.wrong.append(f"{upload.key}: report {answer.status_code}")

    def _remove(self, upload: Upload) -> None:
        route = f"{VERIFICATIONS}/{{id}}"
        before = upload.unclear
        answer = self._caller.ask("DELETE", route, str(upload.id), about=upload)
        # An answer may not have arrived; then it is gone the second time.
        if answer.status_code == 204 or (answer.status_code == 404 and upload.unclear > before):
            upload.deleted = True
            upload.unclear = before
            again = self._caller.ask("GET", route, str(upload.id), about=upload)
            if again.status_code != 404:
                self._ledger.wrong.append(f"{upload.key}: {again.status_code} after deletion")
        else:
            self._ledger.wrong.append(f"{upload.key}: deletion {answer.status_code}")

    def _sign(self, key: str) -> None:
        large = self._drawn.random() < LARGE
        data = (self._files.large if large else self._files.good)(self._drawn, key)
        signing = Signing(key, _hash(data))
        self._ledger.signings[key] = signing
        watermark = self._drawn.random() < WATERMARKED
        asked: dict[str, Any] = {
            "files": {"file": (key, data)},
            "data": {"watermark": str(watermark).lower()},
            "headers": {"Idempotency-Key": key},
        }
        began = time.monotonic()
        answer = self._caller.ask("POST", SIGNATURES, about=signing, **asked)
        self._ledger.took("signed", time.monotonic() - began)
        if answer.status_code != 201:
            self._ledger.wrong.append(f"{key}: {answer.status_code} {answer.text[:200]}")
            return
        signing.id = answer.headers["location"].rpartition("/")[2]
        signing.label = answer.headers["assay-manifest"]
        signing.signed = _hash(answer.content)
        if self._drawn.random() < READ:
            before = signing.unclear
            again = self._caller.ask("POST", SIGNATURES, about=signing, **asked)
            signing.unclear = before  # what was answered is not done again
            signing.replayed = _hash(again.content) == signing.signed
            if not signing.replayed:
                self._ledger.wrong.append(f"{key}: another answer {again.status_code}")


def send_upload(
    caller: Caller, upload: Upload, data: bytes, prefer: str, *, once: bool = False
) -> httpx.Response | None:
    """Send a file to be examined, until there is an answer, or once."""
    more: dict[str, Any] = {
        "files": {"file": (upload.key, data)},
        "headers": {"Prefer": prefer, "Idempotency-Key": upload.key},
    }
    if not once:
        return caller.ask("POST", VERIFICATIONS, about=upload, **more)
    answer = caller.once("POST", VERIFICATIONS, **more)
    if answer is None or _says_again(answer):
        upload.unclear += 1
        return None
    return answer


def read_answer(upload: Upload, answer: httpx.Response | None, ledger: Ledger) -> None:
    """Note what an answer to an upload says."""
    if answer is None:
        return
    upload.id = answer.headers.get("assay-verification-id")
    if answer.status_code == 200:
        upload.status, upload.answer = "done", _hash(answer.content)
    elif upload.id is not None and answer.status_code != 202:
        upload.status = "failed"
    elif upload.id is None:
        upload.refused = answer.status_code
        if answer.status_code not in (413, 415, 422):
            ledger.wrong.append(f"{upload.key}: {answer.status_code} {answer.text[:200]}")


def _says_again(answer: httpx.Response) -> bool:
    if answer.status_code in (429, 500, 502, 503, 504):
        return True
    return answer.status_code == 409 and answer.json().get("type") == _IN_FLIGHT


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
