"""C2PA status codes (specification 2.4, section 15) in plain words."""

from __future__ import annotations

# Codes of Assay's own, for what the library reports as an exception without a code.
UNREADABLE = "assay.manifest.unreadable"
REMOTE_NOT_FETCHED = "assay.manifest.remote"
SIGNER_REVOKED = "assay.signer.revoked"
"""In a house revocation list; `OCSP_REVOKED` is the library's own."""
OCSP_REVOKED = "signingCredential.ocsp.revoked"
REMOTE_FAILED = "assay.manifest.remote.failed"

_MEANINGS: dict[str, str] = {
    UNREADABLE: "the manifest is damaged and cannot be read",
    REMOTE_NOT_FETCHED: "the manifest is on a server that was not asked",
    SIGNER_REVOKED: "the signer's certificate was revoked",
    REMOTE_FAILED: "the manifest is on a server that did not give it",
    "assertion.dataHash.mismatch": "the content was changed after signing",
    "assertion.bmffHash.mismatch": "the content was changed after signing",
    "assertion.boxesHash.mismatch": "the content was changed after signing",
    "assertion.collectionHash.mismatch": "a file of the package was changed after signing",
    "assertion.multiAssetHash.mismatch": "a part of the file was changed after signing",
    "assertion.hashedURI.mismatch": "a statement in the manifest was changed after signing",
    "hashedURI.mismatch": "a part of the manifest was changed after signing",
    "assertion.missing": "a statement that was signed is missing",
    "hashedURI.missing": "a part of the manifest that was signed is missing",
    "assertion.undeclared": "the manifest contains a statement that was not signed",
    "assertion.inaccessible": "a statement kept elsewhere could not be reached",
    "assertion.cbor.invalid": "a statement in the manifest is malformed",
    "assertion.json.invalid": "a statement in the manifest is malformed",
    "assertion.notRedacted": "a statement declared as redacted is still there",
    "assertion.selfRedacted": "the manifest redacts its own statement, which is not allowed",
    "assertion.dataHash.redacted": "the content hash was redacted, which is not allowed",
    "assertion.action.redacted": "an action was redacted, which is not allowed",
    "assertion.action.malformed": "the list of actions is malformed",
    "assertion.action.ingredientMismatch": "an action names an ingredient that is not there",
    "assertion.action.redactionMismatch": "a redaction names a statement that is not there",
    "assertion.action.softBindingMissing": "a watermark is claimed but not described",
    "assertion.ingredient.malformed": "an ingredient is malformed",
    "assertion.multipleHardBindings": "the manifest binds the content more than once",
    "assertion.dataHash.malformed": "the content hash is malformed",
    "assertion.bmffHash.malformed": "the content hash is malformed",
    "claim.missing": "the manifest has no claim",
    "claim.multiple": "the manifest has more than one claim",
    "claim.hardBindings.missing": "the manifest is not bound to any content",
    "claim.malformed": "the claim is malformed",
    "claim.cbor.invalid": "the claim is malformed",
    "claimSignature.missing": "the claim is not signed",
    "claimSignature.mismatch": "the claim was changed after signing",
    "claimSignature.outsideValidity": "the claim was signed outside the certificate's lifetime",
    "signingCredential.untrusted": "the signer is on none of your trust lists",
    "signingCredential.invalid": "the signer's certificate may not sign claims",
    "signingCredential.expired": "the signer's certificate had expired",
    "signingCredential.ocsp.revoked": "the signer's certificate was revoked",
    "signingCredential.ocsp.unknown": "the issuer does not know the signer's certificate",
    "signingCredential.ocsp.inaccessible": "the revocation service could not be reached",
    "signingCredential.ocsp.skipped": "revocation was not checked",
    "timeStamp.mismatch": "the time stamp belongs to another claim",
    "timeStamp.malformed": "the time stamp is malformed",
    "timeStamp.outsideValidity": "the time stamp is outside its certificate's lifetime",
    "timeStamp.untrusted": "the time stamp authority is on none of your trust lists",
    "timeStamp.credentialInvalid": "the time stamp authority's certificate is not valid",
    "timestamp.untrusted": "the time stamp authority is on none of your trust lists",
    "manifest.inaccessible": "the manifest could not be reached",
    "manifest.multipleParents": "the manifest claims more than one parent",
    "manifest.update.invalid": "an update manifest contains what updates may not",
    "manifest.update.wrongParents": "an update manifest has no single parent",
    "manifest.compressed.invalid": "the compressed manifest does not unpack",
    "ingredient.manifest.missing": "the manifest of an ingredient is missing",
    "ingredient.manifest.mismatch": "the manifest of an ingredient was changed",
    "ingredient.hashedURI.mismatch": "a part of an ingredient was changed",
    "ingredient.claimSignature.missing": "an ingredient's claim is not signed",
    "ingredient.claimSignature.mismatch": "an ingredient's claim was changed",
    "ingredient.unknownProvenance": "an ingredient has no manifest",
    "algorithm.unsupported": "an algorithm is used that is not allowed",
    "general.error": "the manifest does not validate",
    "cawg.x509.credential.untrusted": "the person or organisation named is on no trust list",
    "cawg.identity.credential.untrusted": "the identity provider is on no trust list",
}

# Failures that leave integrity untouched: whom to believe is another question.
TRUST_CODES = frozenset(
    {
        "signingCredential.untrusted",
        "timeStamp.untrusted",
        "timestamp.untrusted",
        "cawg.x509.credential.untrusted",
        "cawg.identity.credential.untrusted",
    }
)

# The signature itself cannot be relied on, but nothing shows that content was touched.
CREDENTIAL_CODES = frozenset(
    {
        SIGNER_REVOKED,
        "signingCredential.invalid",
        "signingCredential.expired",
        "signingCredential.ocsp.revoked",
        "signingCredential.ocsp.unknown",
        "claimSignature.outsideValidity",
    }
)


def meaning(code: str) -> str:
    """One clause that a reader understands, for any status code."""
    known = _MEANINGS.get(code)
    if known:
        return known
    if code.endswith(".mismatch"):
        return "something that was signed was changed"
    if code.endswith((".malformed", ".invalid")):
        return "a part of the manifest is malformed"
    if code.endswith(".untrusted"):
        return "a credential is on none of your trust lists"
    return f"the validator reports {code}"
