"""Settings, each also an environment variable with the prefix `ASSAY_`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from assay.errors import ConfigurationError
from assay.limits import Limits


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
        description="SQLAlchemy URL of the registry; default: `registry.sqlite` under the home.",
    )
    limits: Limits = Field(
        default_factory=Limits,
        description="Limits on media, enforced before decoding (`ASSAY_LIMITS__MAX_BYTES`, ...).",
    )

    isolate_validation: bool = Field(
        default=True,
        description="Validate manifests in a child process with limits on time and memory.",
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
    def trust_folder(self) -> Path:
        return self.home / "trust"

    @property
    def registry_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'registry.sqlite'}"


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
