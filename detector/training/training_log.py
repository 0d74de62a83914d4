"""The log of a training: a CSV file, and TensorBoard's event file where that is installed."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any


class TrainingLog:
    """One line a step; a resumed run cuts off the lines that its checkpoint had not reached."""

    def __init__(self, folder: Path, *, resume_at: int = 0) -> None:
        self._path = folder / "log.csv"
        kept = self._lines_before(resume_at)
        self._file = self._path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerows(kept)
        self._started = bool(kept)
        self._events: Any = None
        if find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(folder / "tensorboard"), purge_step=resume_at)

    def write(self, step: int, values: dict[str, float]) -> None:
        """Note the values of a step."""
        if not self._started:
            self._writer.writerow(["step", *values])
            self._started = True
        self._writer.writerow([step, *(f"{value:.6g}" for value in values.values())])
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(name, value, step)

    def flush(self) -> None:
        self._file.flush()

    def __enter__(self) -> TrainingLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if self._events is not None:
            self._events.close()

    def _lines_before(self, step: int) -> list[list[str]]:
        if step == 0 or not self._path.exists():
            return []
        with self._path.open(newline="", encoding="utf-8") as handle:
            header, *lines = list(csv.reader(handle)) or [[]]
        return [header, *(line for line in lines if line and int(line[0]) < step)]
