# SPDX-License-Identifier: Apache-2.0
"""The fake itself: the verbs over the engine, and what tests may ask beyond the contract."""

import time
from collections.abc import Iterator

from nova_container.engine import base, state
from nova_container.engine import spec as specs
from nova_container.engine.fake import faults
from nova_container.engine.fake.container import Container
from nova_container.engine.fake.networks import FakeNetworks
from nova_container.engine.fake.registry import FakeRegistries


class FakeEngine(FakeRegistries, FakeNetworks, base.Engine):
    """An engine in memory. Beside the contract's verbs: ``add_image``, ``fail``, ``exit`` and ``calls``."""

    def __init__(self) -> None:
        super().__init__()
        self._started_at = time.time()

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Every verb so far with its first argument (of ``create``, the name), in order."""
        return list(self.faults.calls)

    def fail(self, verb: str, error: BaseException, times: int = 1) -> None:
        """Let the next calls of this verb raise, and do nothing else."""
        self.faults.plan(verb, error, times)

    def exit(self, container: str, code: int, *, oom_killed: bool = False) -> None:
        """Let the first process of a container end by itself. :raises WrongState: it is not alive."""
        with self.changed:
            found = self.containers.find(container)
            process = found.running_process
            found.oom_killed = oom_killed
            process.end(code)

    @faults.verb
    def exec(self, container: str, spec: specs.ExecSpec, *, stdin: bytes = b'',
             timeout_s: float = 60.0, limit_bytes: int = 1 << 20) -> state.ExecResult:
        return super().exec(container, spec, stdin=stdin, timeout_s=timeout_s, limit_bytes=limit_bytes)

    def probe(self, container: Container, spec: specs.ExecSpec, timeout_s: float) -> state.ExecResult:
        return super().exec(container.id, spec, timeout_s=timeout_s)

    @faults.verb
    def ping(self, *, timeout_s: float | None = None) -> None:
        """It is in this process."""

    @faults.verb
    def info(self) -> state.EngineInfo:
        with self.changed:
            by_status = [container.status for container in self.containers.all()]
            paused = by_status.count(state.Status.PAUSED)
            counts = {'running': sum(status.active for status in by_status) - paused, 'paused': paused}
            counts['stopped'] = len(by_status) - sum(counts.values())
            return state.EngineInfo(
                name='fake', version='1', api_version='1.41', runtime='threads', runtime_version='1',
                kernel_version='6.1.0', operating_system='Fake Linux', architecture='x86_64', cpus=8,
                memory_bytes=32 << 30, hostname='fake-host', state_dir='/fake', storage_driver='memory',
                cgroup_version=2, features=frozenset(state.Feature) - {state.Feature.REAPER}, containers=counts,
                images=len(self._images), started_at=self._started_at, runtimes=('threads',))

    @faults.verb
    def events(self, *, since: float | None = None, until: float | None = None) -> Iterator[state.Event]:
        return self.journal.stream(since, until)

    @faults.verb
    def close(self) -> None:
        self.journal.close()
