"""Settings, each also an environment variable with the prefix `ASSAY_`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from assay.errors import ConfigurationError
from assay.limits import Limits


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several words in one environment variable."""


class Settings(BaseSettings):
    """Process-wide settings, read from the environment once."""

    model_config = SettingsConfigDict(
        env_prefix="ASSAY_", env_nested_delimiter="__", extra="ignore", frozen=True
    )

    home: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("assay"),
        description="Folder that holds keys, trust lists and the registry.",
    )
    env: Literal["development", "production"] = Field(
        default="development",
        description="`production` refuses development keys and certificates.",
    )
    database_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the one database for registry, log and service; default: "
        "SQLite files and a log folder under the home.",
    )
    limits: Limits = Field(
        default_factory=Limits,
        description="Limits on media, enforced before decoding (`ASSAY_LIMITS__MAX_BYTES`, ...).",
    )

    media_url: str | None = Field(
        default=None,
        description="Where uploads are kept: `file:///folder` or `s3://bucket/prefix`; default: "
        "`media` under the home.",
    )
    direct_uploads: bool = Field(
        default=True,
        description="Let callers put files straight into the bucket of `ASSAY_MEDIA_URL`; a "
        "folder takes none.",
    )
    upload_endpoint: str | None = Field(
        default=None,
        description="Address of the bucket's server for those callers, if it is not the one "
        "that the service uses itself (`https://s3.example.org`).",
    )
    retention_hours: float = Field(
        default=24.0,
        ge=0,
        description="Uploads are deleted after this time; results keep their hash.",
    )
    role: Literal["all", "api"] = Field(
        default="all",
        description="What `assay serve` runs: `all`, or `api` beside processes of `assay worker`.",
    )
    engine: Literal["local", "ray"] = Field(
        default="local",
        description="Where the service examines: child processes, or replicas on the Ray cluster "
        "of `RAY_ADDRESS`.",
    )
    workers: int | None = Field(
        default=None,
        ge=1,
        description="Examinations at once in one process of the service; default: its CPUs.",
    )
    max_queued: int = Field(
        default=1000,
        ge=1,
        description="Verifications without a result; more uploads are refused until some have one.",
    )
    examine_seconds: float = Field(
        default=300.0,
        gt=0,
        description="Time for one examination in the service; then its child process is ended.",
    )
    examine_memory: int = Field(
        default=4_000_000_000,
        gt=0,
        description="Memory in bytes that one examination in the service may take.",
    )
    allow_url_input: bool = Field(
        default=False,
        description="Accept the address of a picture or video instead of an upload.",
    )
    detector_model: str | None = Field(
        default=None,
        description="Detector to use instead of the shipped one: a model card, an ONNX file, "
        "`hf:ORG/NAME@REVISION`, `timm:hf_hub:ORG/NAME@REVISION`, `hf:FOLDER` or `timm:FOLDER`.",
    )
    onnx_threads: int = Field(
        default=1, ge=1, description="Threads that one ONNX Runtime session may use."
    )
    onnx_providers: CommaSeparated = Field(
        default=("CPUExecutionProvider",),
        description="Execution providers of ONNX Runtime, in order of preference.",
    )
    isolate_validation: bool = Field(
        default=True,
        description="Validate manifests in a child process with limits on time and memory.",
    )
    fetch_allowed_hosts: CommaSeparated = Field(
        default=(),
        description="Hosts (`name` or `name:port`, commas between) that may be fetched from "
        "although they are not on the public Internet.",
    )
    auth: Literal["auto", "required", "off"] = Field(
        default="auto",
        description="Who may call the service without a key. `auto`: people at this machine, "
        "when it listens on loopback; `required`: nobody; `off`: everyone who reaches loopback, "
        "for a proxy that authenticates.",
    )
    cors_origins: CommaSeparated = Field(
        default=(),
        description="Sites whose pages may call the service (`https://example.org`, commas "
        "between).",
    )
    rate_limit: str = Field(
        default="600/minute",
        description="Requests of one caller; people at this machine are not limited.",
    )
    wrong_keys: str = Field(
        default="20/minute",
        description="Keys that are not valid, from one address; then new ones are refused.",
    )
    rate_limit_storage: str = Field(
        default="memory://",
        description="Where requests and wrong keys are counted: in each process, or in a server "
        "that all share (`redis://host:6379/0`, or another that the library `limits` knows).",
    )
    oidc_issuer: str | None = Field(
        default=None, description="OpenID Connect issuer whose tokens are accepted."
    )
    oidc_audience: str | None = Field(
        default=None, description="Audience that a token must name; needed with an issuer."
    )
    oidc_scope_claim: str = Field(
        default="scope",
        description="Claim that lists the scopes, as `verify` or `assay:verify`.",
    )
    oidc_jwks_url: str | None = Field(
        default=None,
        description="Where the issuer's keys are, if not where its own discovery document says.",
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="How the service writes its log to standard error."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="What the service writes to its log."
    )
    shutdown_seconds: int = Field(
        default=60,
        ge=0,
        description="How long the service finishes requests at work after it was told to stop.",
    )
    timestamp_url: str | None = Field(
        default=None,
        description="RFC 3161 authority that certifies the time of each signature.",
    )
    timestamp_policy: Literal["require", "prefer"] = Field(
        default="require",
        description="When the authority is down: `require` refuses to sign, `prefer` signs "
        "without a time stamp.",
    )
    content_producer: str | None = Field(
        default=None,
        description="Registered code of the producer; when set, AI output gets the GB 45438 "
        "AIGC label.",
    )
    face_detector: Path | None = Field(
        default=None,
        description="YuNet model file (ONNX) that finds faces; default: scikit-image's cascade.",
    )
    pkcs11_module: Path | None = Field(
        default=None, description="PKCS#11 library of the token that holds the signing key."
    )
    pkcs11_token: str | None = Field(default=None, description="Label of the PKCS#11 token.")
    pkcs11_key: str | None = Field(default=None, description="Label of the key in the token.")
    pkcs11_pin: SecretStr | None = Field(default=None, description="User PIN of the token.")

    @property
    def keys_folder(self) -> Path:
        return self.home / "keys"

    @property
    def models_folder(self) -> Path:
        return self.home / "models"

    @property
    def trust_folder(self) -> Path:
        return self.home / "trust"

    @property
    def registry_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'registry.sqlite'}"

    @property
    def service_url(self) -> str:
        """Database of the service."""
        return self.database_url or f"sqlite:///{self.home / 'service.sqlite'}"

    @property
    def jobs_url(self) -> str:
        """Database of the queue: the service's own where it is a server, else a file beside it."""
        if self.service_url.startswith("postgres"):
            return self.service_url
        return f"sqlite:///{self.home / 'jobs.sqlite'}"

    @property
    def media_location(self) -> str:
        """URL of the media store."""
        return self.media_url or (self.home / "media").absolute().as_uri()


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises:
        ConfigurationError: an environment variable has a value that cannot be used.
    """
    try:
        return Settings()
    except (ValidationError, SettingsError) as error:
        if not isinstance(error, ValidationError):
            raise ConfigurationError(str(error)) from error
        first = error.errors(include_url=False)[0]
        name = "ASSAY_" + "__".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationError(f"{name}: {first['msg']}") from error
