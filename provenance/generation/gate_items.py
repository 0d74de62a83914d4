"""What the gate keeps on disk about one file, so that it can be killed at any moment.

Each file that is being worked on has a folder in the private folder:

    .assay-gate/<id>/item.json      which file, which version of it, how often it was tried
    .assay-gate/<id>/<name>         the signed result, complete as soon as it has its name
    .assay-gate/<id>/clearance.json says that the result may be released, and its hash
    .assay-gate/<id>/original       the unsigned file, once the result is released

The id comes from name and version, so a gate that is started again finds what it had.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, ValidationError

from assay.files import write_atomically
from assay.provenance.generation.arrivals import Arrival, Version
from assay.provenance.marking import Receipt

WORK = ".assay-gate"
_ITEM, _CLEARANCE, _ORIGINAL = "item.json", "clearance.json", "original"


class Clearance(BaseModel):
    """Says that both marks of a result were read back.

    Attributes:
        manifest_label: of its active manifest.
        payload: of its watermark, hexadecimal; None for what carries none.
        sha256: of the result.
        receipt: None when it came to the gate signed already.
    """

    model_config = ConfigDict(frozen=True)

    manifest_label: str
    payload: str | None
    signer: str
    sha256: str
    receipt: Receipt | None = None

    @classmethod
    def of(cls, receipt: Receipt) -> Clearance:
        return cls(
            manifest_label=receipt.manifest_label,
            payload=receipt.payload,
            signer=receipt.signer,
            sha256=receipt.sha256_after,
            receipt=receipt,
        )


@dataclass(frozen=True)
class Item:
    """One file on its way through the gate.

    Attributes:
        folder: its own, in the private folder.
        name: path of the file below the private folder.
        version: of the file that is worked on.
    """

    folder: Path
    name: str
    version: Version

    @classmethod
    def of(cls, arrival: Arrival, work: Path) -> Item:
        """The item of a file; its folder may be there from an earlier run."""
        identity = f"{arrival.name}\0{asdict(arrival.version)}"
        key = sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return cls(work / key, arrival.name, arrival.version)

    @classmethod
    def all(cls, work: Path) -> Iterator[Item]:
        """Items that an earlier run left behind; folders without a readable note are removed."""
        for folder in sorted(path for path in work.iterdir() if path.is_dir()):
            try:
                note = json.loads((folder / _ITEM).read_text())
                yield cls(folder, note["name"], Version(**note["version"]))
            except (OSError, ValueError, KeyError, TypeError):
                if not (folder / _ORIGINAL).exists():
                    shutil.rmtree(folder)

    @property
    def result(self) -> Path:
        """Where the signed file is made."""
        return self.folder / PurePosixPath(self.name).name

    @property
    def original(self) -> Path:
        """Where the unsigned file is held between release and removal."""
        return self.folder / _ORIGINAL

    def begin(self) -> int:
        """Note that work starts; gives how often it did before and never came to an end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            before = int(json.loads((self.folder / _ITEM).read_text())["attempts"])
        except (OSError, ValueError, KeyError):
            before = 0
        for leftover in self.folder.iterdir():
            if leftover.name != _ITEM:
                leftover.unlink()
        note = {"name": self.name, "version": asdict(self.version), "attempts": before + 1}
        write_atomically(self.folder / _ITEM, json.dumps(note))
        return before

    def clear(self, clearance: Clearance) -> None:
        """Note that the result read back and may be released."""
        write_atomically(self.folder / _CLEARANCE, clearance.model_dump_json())

    def clearance(self) -> Clearance | None:
        """Of a result that is complete; None when there is none."""
        try:
            found = Clearance.model_validate_json((self.folder / _CLEARANCE).read_bytes())
            with self.result.open("rb") as file:
                same = file_digest(file, "sha256").hexdigest() == found.sha256
        except (OSError, ValidationError):
            return None
        return found if same else None

    def drop(self) -> None:
        """Forget the item."""
        shutil.rmtree(self.folder, ignore_errors=True)
