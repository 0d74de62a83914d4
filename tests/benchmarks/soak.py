"""The service on PostgreSQL and S3 under load, with faults, and whether its books agree at the end.

    python tests/benchmarks/soak.py --minutes 30 --clients 6 [--seed 1] [--record soak.json]

Two `assay serve --role api` and two `assay worker` share a PostgreSQL, a bucket of a real S3
server on loopback behind a proxy that can fail, and API keys. Clients upload photographs and
hostile files, sign, read and delete, and try again with the same `Idempotency-Key` at the other
process. Meanwhile processes are killed, the database is restarted, crashed, frozen and cut off, and
the bucket refuses and dawdles. Then everything comes to rest, and what clients were told is
compared with the database, the bucket, the registry, the log and the metrics.

Exits with 1 when anything disagrees, was lost or done twice, or took over 10 s to recover. Needs
what the tests need (`pip install -e ".[dev]"`). Files are cut from the photographs bundled with
scikit-image.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    import sqlalchemy as sa

    from tests.benchmarks.soaking.faults import Happened
    from tests.benchmarks.soaking.ledger import Ledger
    from tests.benchmarks.soaking.servers import Service

DRAIN_SECONDS = 120.0
SAMPLE_SECONDS = 2.0
TELL_SECONDS = 15.0


def soak(minutes: float, clients: int, seed: int, folder: Path) -> dict[str, Any]:
    """Run it; the record of what happened, with `disagreements` that should be empty."""
    from tests.benchmarks.soaking.servers import Service, postgres
    from tests.faults.failing_store import failing_bucket

    home, logs = folder / "home", folder / "logs"
    logs.mkdir(parents=True)
    with ExitStack() as held:
        database = held.enter_context(postgres())
        bucket = held.enter_context(failing_bucket())
        environment = {
            **bucket.environment,
            "ASSAY_HOME": str(home),
            "ASSAY_DATABASE_URL": database.url,
            "ASSAY_MEDIA_URL": bucket.url,
            "ASSAY_AUTH": "required",
            "ASSAY_WORKERS": "1",
            "ASSAY_LOG_LEVEL": "warning",
        }
        os.environ.update(environment)

        from assay.api.access.keys import KeyStore
        from assay.api.records import open_database
        from assay.provenance import keys
        from tests.benchmarks.soaking import books, counters, reporting
        from tests.benchmarks.soaking.clients import Caller, Client
        from tests.benchmarks.soaking.faults import Faults
        from tests.benchmarks.soaking.ledger import Ledger
        from tests.benchmarks.soaking.pictures import Files

        keys.init()
        engine = open_database()

        def key(name: str, *scopes: str) -> str:
            return KeyStore(engine).create(name, scopes)[1]

        services = [
            Service(name, name.split("-")[0], environment, logs)
            for name in ("api-1", "api-2", "worker-1", "worker-2")
        ]
        apis = services[:2]
        for service in services:
            service.start()
            held.callback(service.stop)
        wait_until_ready(services, logs)

        ledger, files = Ledger(), Files()
        crowd = [
            Client(
                number,
                caller=Caller(apis, key(f"client {number}", "verify", "sign"), ledger),
                files=files,
                ledger=ledger,
                seed=seed,
            )
            for number in range(clients)
        ]
        prober = Caller(apis, key("probe", "verify"), ledger)
        faults = Faults(
            database=database,
            bucket=bucket.trouble,
            services=services,
            mortal=(services[1], services[3]),
            caller=prober,
            files=files,
            ledger=ledger,
            seed=seed,
        )
        watch = Watch(services, ledger)
        for thread in (*crowd, watch):
            thread.start()
        faults.run(time.monotonic() + minutes * 60, watch.tell)

        for client in crowd:
            client.enough.set()
        for client in crowd:
            client.join()
        drained = drain(engine)
        watch.enough.set()
        watch.join()
        compared = books.compare(ledger, engine)
        scraper = httpx.Client(headers={"Authorization": f"Bearer {key('scraper', 'metrics')}"})
        for api in apis:
            text = scraper.get(f"{api.address}/metrics").text
            broken = ledger.broken[api.name, api.life.number]
            counters.compare_metrics(
                compared, ledger, api.name, api.life.number, text, unanswered=broken
            )
        for service in services:
            service.stop()
        left = books.half_written([home])
        compared.same("half-written files", home=len(left), aim=0)
    return reporting.record(
        minutes=minutes,
        clients=clients,
        seed=seed,
        books=compared,
        ledger=ledger,
        happened=faults.happened,
        services=services,
        memory=watch.memory,
        drained=drained,
    )


def wait_until_ready(services: Sequence[Service], logs: Path) -> None:
    """Return when every process works."""
    end = time.monotonic() + 180
    while not all(service.is_ready for service in services):
        if time.monotonic() > end:
            sys.exit("\n".join(service.log()[-2000:] for service in services))
        time.sleep(0.1)


def drain(engine: sa.Engine) -> float:
    """Wait until nothing waits for a result or to be deleted; how long that took."""
    import sqlalchemy as sa

    from assay.api.records import Records
    from assay.api.records.schema import retention

    began = time.monotonic()
    overdue = sa.select(sa.func.count()).where(retention.c.until < time.time())
    while time.monotonic() - began < DRAIN_SECONDS:
        with engine.connect() as connection:
            waiting = connection.execute(overdue).scalar_one()
        if not waiting and not Records(engine).count_unfinished():
            break
        time.sleep(0.2)
    time.sleep(1.0)  # for the queue to write down what it has finished
    return time.monotonic() - began


class Watch(threading.Thread):
    """Samples memory, and says how it goes."""

    def __init__(self, services: Sequence[Service], ledger: Ledger) -> None:
        super().__init__(name="watch", daemon=True)
        self.enough = threading.Event()
        self.memory: dict[str, list[tuple[int, int]]] = {}
        self._services = services
        self._ledger = ledger
        self._began = time.monotonic()

    def tell(self, happened: Happened) -> None:
        """Say what happened."""
        print(
            f"{happened.at:7.1f} s  {happened.what}: {happened.lasted:.1f} s, "
            f"answers again after {happened.recovered:.1f} s (usual: {happened.usual:.1f} s)",
            file=sys.stderr,
        )

    def run(self) -> None:
        told = self._began
        while not self.enough.wait(SAMPLE_SECONDS):
            for service in self._services:
                if len(service.lives) > 1:  # it does not live long enough
                    self.memory.pop(service.name, None)
                else:
                    self.memory.setdefault(service.name, []).append(service.memory())
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                self._say()

    def _say(self) -> None:
        uploads = list(self._ledger.uploads.values())
        signed = sum(signing.id is not None for signing in list(self._ledger.signings.values()))
        statuses = dict(sorted(self._ledger.statuses().items()))
        print(
            f"{time.monotonic() - self._began:7.1f} s  "
            f"{sum(upload.id is not None for upload in uploads)} accepted, "
            f"{sum(upload.status is not None for upload in uploads)} answered, {signed} signed, "
            f"{statuses}, lost {len(self._ledger.lost)}, wrong {len(self._ledger.wrong)}",
            file=sys.stderr,
        )


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1, help="draws faults and what clients do")
    parser.add_argument("--record", type=Path, help="file for the whole record as JSON")
    parser.add_argument("--keep", type=Path, help="new folder for home and logs; default: none")
    chosen = parser.parse_args()
    from tests.benchmarks.soaking import reporting

    logging.getLogger("werkzeug").setLevel("ERROR")  # every request to the bucket
    with tempfile.TemporaryDirectory(prefix="assay-soak-") as temporary:
        folder = chosen.keep or Path(temporary)
        report = soak(chosen.minutes, chosen.clients, chosen.seed, folder)
        report["errors in the logs"] = dict(reporting.log_errors(folder / "logs").most_common(20))
    if chosen.record:
        chosen.record.write_text(json.dumps(report, indent=2) + "\n")
    reporting.show(report)
    return 1 if report["disagreements"] or report["slow_recoveries"] else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    sys.exit(main())
