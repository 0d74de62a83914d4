"""The C2PA examiner: what the Content Credentials of a file are evidence for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.evidence import Evidence, Kind, PointsTo, Strength
from assay.media import Media
from assay.provenance.credentials import Credentials, Ingredient, Problem
from assay.provenance.reading import read
from assay.provenance.statuscodes import OCSP_REVOKED, REMOTE_FAILED, SIGNER_REVOKED

_POINTS: dict[str, PointsTo] = {
    "generated": "generated",
    "edited": "edited",
    "captured": "captured",
}
REVOKED_CODES = frozenset({OCSP_REVOKED, SIGNER_REVOKED})
_SAYS: dict[str, str] = {
    "generated": "made by AI",
    "edited": "changed or composed with AI",
    "captured": "captured by a camera",
}


class C2paExaminer:
    """Reads the C2PA manifest against the installed trust lists.

    Offline, unless `fetch` is handed in: then a manifest that the file says is elsewhere is
    asked for; see `reading.read`.

    Findings: `no-manifest`, `manifest-elsewhere`, `c2pa-trusted`, `c2pa-valid-untrusted`,
    `c2pa-credential-unfit`, `signer-revoked`, `c2pa-invalid`, `c2pa-unreadable`,
    `ingredient-invalid`.
    """

    name = "c2pa"
    version = "1"

    def __init__(self, fetch: Callable[[str], bytes] | None = None) -> None:
        self._fetch = fetch

    def examine(self, media: Media) -> list[Evidence]:
        return self.evidence_of(read(media, fetch=self._fetch))

    def evidence_of(self, credentials: Credentials) -> list[Evidence]:
        """Evidence for credentials that were already read, such as recovered ones."""
        if credentials.state == "none":
            return [self._absent(credentials)]
        if credentials.state == "invalid":
            evidence = [self._invalid(credentials)]
        else:
            evidence = [self._sound(credentials)]
        broken = tuple(
            part
            for part in credentials.broken_ingredients
            if any(problem.breaks_integrity for problem in part.problems)
        )
        return [*evidence, self._broken(broken)] if broken else evidence

    def _absent(self, credentials: Credentials) -> Evidence:
        if credentials.remote_url:
            failed = [note for note in credentials.notes if note.code == REMOTE_FAILED]
            why = f"could not be had: {failed[0].explanation}" if failed else "was not asked for"
            return self._evidence(
                "provenance",
                "manifest-elsewhere",
                "nothing",
                "weak",
                f"The file refers to a manifest on a server, which {why}.",
                {"remote_url": credentials.remote_url, "asked": bool(failed)},
            )
        return self._evidence(
            "provenance",
            "no-manifest",
            "nothing",
            "weak",
            "The file carries no Content Credentials; most files do not.",
            {},
        )

    def _sound(self, credentials: Credentials) -> Evidence:
        origin = credentials.origin or "other"
        points_to = _POINTS.get(origin, "nothing")
        says = f", and says it was {_SAYS[origin]}" if origin in _SAYS else ""
        if credentials.state == "trusted":
            summary = (
                f"Signed by {credentials.signer}, on the trust list "
                f"{credentials.trust_list!r}{says}; unchanged since."
            )
            return self._evidence(
                "provenance",
                "c2pa-trusted",
                points_to,
                "conclusive",
                summary,
                describe(credentials),
            )
        # Anyone can sign with a certificate of their own. A stranger who admits AI has
        # little to gain; one who claims a camera has.
        strength: Strength = "weak" if points_to == "captured" else "moderate"
        return self._evidence(
            "provenance",
            "c2pa-valid-untrusted",
            points_to,
            strength,
            f"Signed by {credentials.signer}, who is on none of the trust lists{says}; "
            "unchanged since.",
            describe(credentials),
        )

    def _invalid(self, credentials: Credentials) -> Evidence:
        problems = credentials.problems
        details = describe(credentials)
        if credentials.manifest_label is None:
            return self._evidence(
                "integrity",
                "c2pa-unreadable",
                "altered",
                "moderate",
                "The file carries a manifest that is damaged and cannot be read.",
                details,
            )
        broken = [problem for problem in problems if problem.breaks_integrity]
        if not broken and any(problem.code in REVOKED_CODES for problem in problems):
            return self._evidence(
                "provenance",
                "signer-revoked",
                "nothing",
                "moderate",
                f"Signed by {credentials.signer}, whose certificate was revoked: whoever holds "
                "the key may have made this.",
                details,
            )
        if not broken and problems:
            return self._evidence(
                "provenance",
                "c2pa-credential-unfit",
                "nothing",
                "weak",
                f"The manifest is not acceptable: {_clauses(problems)}.",
                details,
            )
        return self._evidence(
            "integrity",
            "c2pa-invalid",
            "altered",
            "conclusive",
            f"The manifest does not hold: {_clauses(broken) or 'no reason given'}.",
            details,
        )

    def _broken(self, broken: tuple[Ingredient, ...]) -> Evidence:
        names = ", ".join(repr(part.title or "untitled") for part in broken[:3])
        clauses = _clauses([p for part in broken for p in part.problems if p.breaks_integrity])
        return self._evidence(
            "integrity",
            "ingredient-invalid",
            "altered",
            "strong",
            f"Something the file was made from ({names}) does not hold: {clauses}.",
            {"ingredients": [_describe_ingredient(part) for part in broken]},
        )

    def _evidence(
        self,
        kind: Kind,
        finding: str,
        points_to: PointsTo,
        strength: Strength,
        summary: str,
        details: dict[str, Any],
    ) -> Evidence:
        return Evidence(
            examiner=self.name,
            version=self.version,
            kind=kind,
            finding=finding,
            points_to=points_to,
            strength=strength,
            summary=summary,
            details=details,
        )


def describe(credentials: Credentials) -> dict[str, Any]:
    """What a report shows of credentials, as JSON values; the raw documents are left out."""
    payload = credentials.watermark_payload
    signer = credentials.signer
    return {
        "state": credentials.state,
        "manifest_label": credentials.manifest_label,
        "signer": str(signer) if signer else None,
        "issuer": signer.issuer if signer else None,
        "trust_list": credentials.trust_list,
        "claim_generator": credentials.claim_generator,
        "title": credentials.title,
        "digital_source_type": credentials.digital_source_type,
        "origin": credentials.origin,
        "created": credentials.created.isoformat() if credentials.created else None,
        "signed_at": credentials.signed_at.isoformat() if credentials.signed_at else None,
        "actions": [
            {
                "action": action.action,
                "digital_source_type": action.source_type_text,
                "agent": action.agent,
                "when": action.when.isoformat() if action.when else None,
            }
            for action in credentials.actions
        ],
        "ingredients": [_describe_ingredient(part) for part in credentials.ingredients],
        "soft_bindings": [
            {"alg": binding.alg, "value": binding.value} for binding in credentials.soft_bindings
        ],
        "watermark_payload": None if payload is None else f"{payload:015x}",
        "consent": credentials.consent,
        "identities": [
            {"name": identity.name, "trusted": identity.trusted}
            for identity in credentials.identities
        ],
        "problems": [_describe_problem(problem) for problem in credentials.problems],
        "notes": [note.code for note in credentials.notes],
        "validator": credentials.validator,
    } | ({"remote_url": credentials.remote_url} if credentials.remote_url else {})


def _describe_ingredient(part: Ingredient) -> dict[str, Any]:
    return {
        "title": part.title,
        "relationship": part.relationship,
        "state": part.state,
        "manifest_label": part.manifest_label,
        "signer": str(part.signer) if part.signer else None,
        "problems": [_describe_problem(problem) for problem in part.problems],
        "ingredients": [_describe_ingredient(inner) for inner in part.ingredients],
    }


def _describe_problem(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "meaning": problem.meaning,
        "explanation": problem.explanation,
        "uri": problem.uri,
    }


def _clauses(problems: list[Problem] | tuple[Problem, ...]) -> str:
    return "; ".join(dict.fromkeys(problem.meaning for problem in problems))
