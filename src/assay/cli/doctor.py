"""`assay doctor`."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec

import typer

from assay.cli.console import AsJson, print_json
from assay.errors import AssayError

_EXTRAS = {
    "models": ("sklearn", "torch", "timm", "transformers"),
    "generate": ("diffusers", "torch"),
    "oidc": ("joserfc",),
    "scale": ("psycopg",),
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; an optional one never fails the command."""

    name: str
    ok: bool
    detail: str
    optional: bool = False


def doctor(as_json: AsJson = False) -> None:
    """Check that this installation can sign, verify and serve, and say what is missing."""
    checks = [
        _run("python", platform.python_version),
        _run("home", _home),
        _run("keys", _keys),
        _run("trust lists", _trust_lists),
        _run("examiners", _examiners),
        _run("detector weights", _detector),
        _run("disk", _disk),
        _run("clock", _clock),
        _run("service database", _database),
        _run("media store", _media_store),
        _run("access", _access),
        *(_extra(name, modules) for name, modules in _EXTRAS.items()),
    ]
    for check in checks:
        if as_json:
            print_json(asdict(check))
        else:
            state = "ok" if check.ok else "not installed" if check.optional else "FAILS"
            typer.echo(f"{state:14} {check.name}: {check.detail}")
    raise typer.Exit(0 if all(check.ok or check.optional for check in checks) else 1)


def _run(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except AssayError as error:
        advice = f" ({error.advice})" if error.advice else ""
        return Check(name, False, error.message + advice)


def _home() -> str:
    from assay.errors import OutputRefused
    from assay.settings import settings

    home = settings().home
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(nearest, os.W_OK):
        raise OutputRefused(f"{home}: cannot be written", advice="set ASSAY_HOME")
    return str(home)


def _keys() -> str:
    from assay.provenance import keys

    info = keys.show()
    return info.warning or f"{info.signer}, valid until {info.not_after:%Y-%m-%d}"


def _trust_lists() -> str:
    from assay.provenance import trust

    return ", ".join(entry.name for entry in trust.installed()) or "none; every signer is untrusted"


def _examiners() -> str:
    from assay.extending import EXAMINERS, load

    return ", ".join(f"{name} {part.version}" for name, part in load(EXAMINERS).items())


def _detector() -> str:
    from assay.detector.loading import load_model

    model = load_model()
    return f"{model.name}/{model.version}, checksum verified"


def _disk() -> str:
    from assay.api.operations import checks

    return checks.disk()


def _clock() -> str:
    from assay.api.operations import checks

    return checks.clock()


def _database() -> str:
    from assay.api.operations import checks

    unmade = _unmade_database()
    return f"{unmade}: not there yet; the service makes it" if unmade else checks.database()


def _unmade_database() -> str | None:
    """The service's database file where there is none yet: looking must not make one."""
    from assay.settings import settings

    url = settings().service_url
    place = url.removeprefix("sqlite:///")
    return place if url.startswith("sqlite") and not os.path.exists(place) else None


def _media_store() -> str:
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    from assay.api.operations import checks
    from assay.settings import settings

    parts = urlsplit(settings().media_location)
    if parts.scheme == "file" and not os.path.exists(url2pathname(parts.path)):
        return f"{settings().media_location}: not there yet; the service makes it"
    return checks.media_store()


def _access() -> str:
    from assay.settings import settings

    if _unmade_database():
        return f"ASSAY_AUTH={settings().auth}, no API keys"
    from assay.api.access.keys import KeyStore
    from assay.api.records import open_database

    active = sum(key.active for key in KeyStore(open_database()).list())
    return f"ASSAY_AUTH={settings().auth}, {active} API keys in use"


def _extra(name: str, modules: tuple[str, ...]) -> Check:
    missing = [module for module in modules if find_spec(module) is None]
    detail = "installed" if not missing else f"pip install 'assay[{name}]' brings {missing}"
    return Check(f"extra {name}", not missing, detail, optional=True)
