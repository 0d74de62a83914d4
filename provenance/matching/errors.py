"""What the registry refuses."""

from __future__ import annotations

from assay.errors import AssayError, ConfigurationError, InputRefused


class RegistryMissing(ConfigurationError):
    """There is no registry at this place."""

    code = "registry-missing"


class RegistryUnusable(ConfigurationError):
    """The registry cannot be opened."""

    code = "registry-unusable"


class WorkRefused(InputRefused):
    """The work cannot be registered."""

    code = "work-refused"


class PoisonousWork(WorkRefused):
    """The work would make unrelated pictures match."""

    code = "poisonous-work"


class NotRegistered(AssayError):
    """No such work or manifest is registered."""

    code = "not-registered"
    exit_code = 3
