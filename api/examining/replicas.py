"""Examinations by replicas on a Ray cluster.

Media travel by the key they have in the media store, never through Ray's proxy, which is not
started. Each replica examines in a child process of its own, as a worker on one machine does.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from typing import Any

from assay.api.examining.examination import Examined, Progress, Refused, Stopped, examine
from assay.api.examining.pool import ChildFailed, Pool
from assay.api.media_store import MediaGone, MediaStore
from assay.errors import ConfigurationError, InputRefused
from assay.ray_clusters import ray_required
from assay.settings import settings

APPLICATION = "assay"
DEPLOYMENT = "examiner"


class Replica:
    """One replica: a child process, and the media store that all machines share."""

    def __init__(self) -> None:
        self._pool = Pool(1)
        self._pool.start()
        self._store = MediaStore.open()

    def examine(self, key: str, identity: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What happens during one examination, as it happens; the result or refusal is last."""
        news: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

        def tell(examiner: str, evidence: list[dict[str, Any]]) -> bool:
            news.put({"examiner": examiner, "evidence": evidence})
            return True

        def work() -> None:
            try:
                with self._store.get(key) as file:
                    done = examine(self._pool, file, progress=tell, **identity)
                news.put({"last": True, "examined": vars(done)})
            except Refused as refusal:
                error = refusal.error
                news.put({"last": True, "refused": type(error).__name__, "why": error.problem()})
            except MediaGone as gone:
                news.put({"last": True, "gone": gone.message})
            except BaseException as failure:
                # Whatever it is, whoever waits must hear of it.
                news.put({"last": True, "failed": f"{type(failure).__name__}: {failure}"})

        threading.Thread(target=work, daemon=True).start()
        while True:
            item = news.get()
            yield item
            if "last" in item:
                return


class Replicas:
    """The replicas, as a worker sees them.

    Args:
        count: replicas; default: the setting `workers`, or the cluster's CPUs.
    """

    def __init__(self, count: int | None = None) -> None:
        self.size = count or settings().workers or os.cpu_count() or 1
        self._handle: Any = None
        self._started = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Deploy, unless it is done.

        Raises:
            MissingExtra: ray is not installed.
            ConfigurationError: the cluster does not answer.
        """
        with self._lock:
            if self._handle is None:
                self._handle = self._deployed()

    def _deployed(self) -> Any:
        """Join the cluster of `RAY_ADDRESS`, or start one on this machine, and deploy."""
        with ray_required():
            import ray
            from ray import serve
        try:
            if not ray.is_initialized():
                ray.init(include_dashboard=False, log_to_driver=False)
                self._started = True
            serve.start(http_options={"location": "NoServer"})
            deployment = serve.deployment(
                name=DEPLOYMENT,
                num_replicas=self.size,
                max_ongoing_requests=1,
                ray_actor_options={"num_cpus": 1},
            )(Replica)
            application = deployment.bind()
            handle = serve.run(application, name=APPLICATION, route_prefix=None)
            return handle.options(method_name="examine", stream=True)
        except (ConnectionError, RuntimeError, TimeoutError) as error:
            raise ConfigurationError(
                f"the Ray cluster does not answer: {str(error).splitlines()[0]}",
                advice="check RAY_ADDRESS and RAY_AUTH_TOKEN",
            ) from error

    def close(self) -> None:
        """Leave the cluster; one that was started here ends, another keeps its replicas."""
        if self._started:
            import ray
            from ray import serve

            serve.shutdown()
            ray.shutdown()

    def examine(
        self,
        key: str,
        *,
        name: str | None,
        sha256: str,
        size: int,
        progress: Progress | None = None,
    ) -> Examined:
        """As `examination.examine`, on whatever replica is free.

        Args:
            key: of the media in the store.

        Raises:
            Refused, Stopped: as there.
            MediaGone: they were deleted.
            ChildFailed: the replica ended, or does not answer; another may.
        """
        self.start()
        from ray.exceptions import RayError

        identity = {"name": name, "sha256": sha256, "size": size}
        try:
            for item in self._handle.remote(key, identity):
                if "last" in item:
                    return _outcome(item)
                if progress and not progress(item["examiner"], item["evidence"]):
                    raise Stopped
        except RayError as error:
            raise ChildFailed(f"a replica ended: {str(error).splitlines()[0]}") from error
        raise ChildFailed("a replica ended without an answer")


def _outcome(item: dict[str, Any]) -> Examined:
    from assay import errors

    match item:
        case {"examined": examined}:
            return Examined(**examined)
        case {"refused": kind, "why": problem}:
            known: type[InputRefused] = getattr(errors, kind, InputRefused)
            raise Refused(known(problem["detail"], advice=problem.get("advice")))
        case {"gone": message}:
            raise MediaGone(message)
        case _:
            raise ChildFailed(str(item.get("failed")))
