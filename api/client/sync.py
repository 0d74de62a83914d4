"""The blocking client."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assay.api.client import keeping, operations
from assay.api.client.connection import Connection
from assay.api.client.keeping import Audit, Listed
from assay.api.client.operations import FoundWork, SignedRemotely
from assay.api.client.uploads import OnProgress, opened

if TYPE_CHECKING:
    from assay.evidence import Verification
    from assay.provenance.matching.works import Work


class Client(Connection):
    """A service, called from Python.

        with Client("https://assay.example.org", api_key="assay_...") as client:
            verification = client.verify("upload.jpg")

    Args:
        server: address of the service.
        api_key: what `assay access create` printed; not needed on loopback.
        retries: how often a request is repeated while the service is busy or out of reach.
        timeout: seconds without any byte before a request counts as failed.
        verify_tls: False accepts any certificate; or an SSL context of your own.

    Raises:
        ConfigurationError: `server` is no address.
    """

    def verify(
        self,
        source: str | Path | bytes,
        *,
        name: str | None = None,
        check_first: bool = True,
        seconds: float | None = 600.0,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
    ) -> Verification:
        """Have a file examined.

        Args:
            source: a path, the bytes of a file, or a URL that the service is to fetch.
            name: of the file, for people; default the path's.
            check_first: ask whether the service has examined this file already, and send it
                only if not.
            seconds: how long to wait for the result; None waits as long as it takes.
            on_progress: told how far it is.
            idempotency_key: of this verification, when the program itself may start again;
                default a random one.

        Raises:
            InputRefused: the service refuses the file, with the same error class as
                `assay.verify` would raise here.
            StillExamining: no result yet; the message has the id.
            RemoteError: everything else that goes wrong at or before the service.
        """
        options = operations.Verifying(check_first, seconds, on_progress, idempotency_key)
        if operations.is_url(source):
            return self._hold(operations.verify_url(str(source), self.patience, options))
        with opened(source, name=name, tell=on_progress) as upload:
            return self._hold(operations.verify(upload, self.patience, options, self._direct))

    def verification(self, verification_id: str) -> operations.Resource:
        """A verification by its id, whether it has a result or not yet.

        Raises:
            Unknown: there is none, or it belongs to another caller.
        """
        return self._hold(operations.get(verification_id, self.patience))

    def delete(self, verification_id: str) -> None:
        """Delete a verification with its media and everything derived from it.

        Raises:
            Unknown: as `verification`.
        """
        self._hold(operations.delete(verification_id, self.patience))

    def sign(
        self,
        source: str | Path | bytes,
        *,
        profile: str = "generated",
        out: str | Path | None = None,
        name: str | None = None,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
        **context: str,
    ) -> SignedRemotely:
        """Have a file marked and signed with the identity of the service.

        Args:
            source: a path or the bytes of a file; it is never changed.
            profile: `generated`, `edited` or `captured`.
            out: where the marked file goes; None keeps it in memory only.
            context: more form fields, such as `generator` or `title`.

        Raises:
            InputRefused, RemoteError: as `verify`.
            OutputRefused: `out` cannot be written.
        """
        with opened(source, name=name, tell=on_progress) as upload:
            fields = {"profile": profile, **context}
            signed = self._hold(operations.sign(upload, fields, self.patience, key=idempotency_key))
        return signed.written_to(out)

    def match(
        self,
        source: str | Path | bytes,
        *,
        name: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> list[FoundWork]:
        """Registered works that a file may copy, best first.

        Raises:
            InputRefused, RemoteError: as `verify`.
        """
        with opened(source, name=name, tell=on_progress) as upload:
            return self._hold(operations.match(upload, self.patience))

    def verifications(self, *, most: int = 100) -> list[Listed]:
        """Your verifications, newest first.

        Args:
            most: how many at the most.
        """
        return self._hold(keeping.verifications(most, self.patience))

    def report(
        self,
        verification_id: str,
        *,
        kind: Literal["html", "json"] = "html",
        out: str | Path | None = None,
    ) -> bytes:
        """The report of a finished verification, also written to `out` in one step.

        Raises:
            Unknown: as `verification`.
            Conflict: there is no result yet.
            OutputRefused: `out` cannot be written.
        """
        found = self._hold(keeping.report(verification_id, kind, self.patience))
        return keeping.written(found, out)

    def register(
        self,
        source: str | Path | bytes,
        *,
        name: str | None = None,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
        **fields: str | list[str],
    ) -> Work:
        """Register a work; its copies are found from then on.

        Args:
            source: a path or the bytes of a picture or video.
            fields: what is said about it, such as `title`, `rights_holder` or `licence`; as
                in `POST /v1/works`.

        Raises:
            InputRefused, RemoteError: as `verify`.
        """
        with opened(source, name=name, tell=on_progress) as upload:
            return self._hold(keeping.register(upload, fields, self.patience, key=idempotency_key))

    def works(self, *, most: int = 100) -> list[Work]:
        """Registered works, by id."""
        return self._hold(keeping.works(most, self.patience))

    def remove_work(self, work_id: str) -> None:
        """Remove a work from the registry.

        Raises:
            NotRegistered, Unknown: there is none.
        """
        self._hold(keeping.remove_work(work_id, self.patience))

    def start_audit(
        self,
        archive: str | Path | bytes,
        *,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
        **fields: str | list[str],
    ) -> Audit:
        """Have a ZIP of labelled pictures audited; ask with `audit` how far it is.

        Args:
            archive: a path or the bytes of a ZIP.
            fields: such as `title` or `system`; as in `POST /v1/audits`.

        Raises:
            InputRefused, RemoteError: as `verify`.
        """
        with opened(archive, name=None, tell=on_progress) as upload:
            return self._hold(
                keeping.start_audit(upload, fields, self.patience, key=idempotency_key)
            )

    def audit(self, audit_id: str) -> Audit:
        """An audit by its id, at work or finished.

        Raises:
            Unknown: there is none, or it belongs to another caller.
        """
        return self._hold(keeping.audit(audit_id, self.patience))

    def audits(self, *, most: int = 100) -> list[Audit]:
        """Your audits, newest first."""
        return self._hold(keeping.audits(most, self.patience))

    def audit_report(
        self, audit_id: str, name: str = "report.html", *, out: str | Path | None = None
    ) -> bytes:
        """One of the files in `Audit.reports`, also written to `out` in one step.

        Raises:
            Unknown: there is none, or it is not there yet.
            OutputRefused: `out` cannot be written.
        """
        found = self._hold(keeping.audit_report(audit_id, name, self.patience))
        return keeping.written(found, out)

    def delete_audit(self, audit_id: str) -> None:
        """Delete an audit with its report.

        Raises:
            Unknown: as `audit`.
        """
        self._hold(keeping.delete_audit(audit_id, self.patience))
