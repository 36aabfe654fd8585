# SPDX-License-Identifier: Apache-2.0
"""The verbs of the fake that make, run, stop and show containers."""

import abc
import dataclasses
import secrets
import threading
import time
from collections.abc import Mapping

from nova_container import errors
from nova_container.engine import grammar, health, mounting, ports, state, validate
from nova_container.engine import spec as specs
from nova_container.engine.fake import faults, merge, programs
from nova_container.engine.fake.container import Container
from nova_container.engine.fake.health import FakeHealth
from nova_container.engine.fake.images import Image
from nova_container.engine.fake.process import SIGKILL, Process, Surroundings, signal_number
from nova_container.engine.fake.volumes import FakeVolumes
from nova_container.engine.network import EndpointInfo, Port

DEFAULT_PIDS = 2048
_GRACE_S = 10.0
_FIRST_BACKOFF_S = 0.1


class FakeLifecycle(FakeVolumes):
    """Containers from create to remove."""

    def image_is_used(self, image_id: str) -> bool:
        return any(container.image.id == image_id for container in self.containers.all())

    @faults.verb
    def create(self, spec: specs.ContainerSpec) -> str:
        validate.check(spec)
        with self.changed:
            if self.containers.is_taken(spec.name):
                raise errors.AlreadyExists(f'The container name {spec.name} is already in use')
            self._check_joined(spec)
            image = self.find_image(spec.image)
            container_id = secrets.token_hex(32)
            spec = dataclasses.replace(
                spec, process=merge.process(spec.process, image.config), hostname=spec.hostname or container_id[:12],
                labels={**(image.config.get('Labels') or {}), **spec.labels}, resources=spec.resources.with_swap,
                exposed_ports=ports.exposed(spec.exposed_ports, image.config),
                health=health.effective(spec, image.config))
            container = self._made(container_id, spec, image)
            self.containers.add(container)
            self.publish(container, 'create')
            return container_id

    def _made(self, container_id: str, spec: specs.ContainerSpec, image: Image) -> Container:
        mounts = mounting.resolve(spec, image.config.get('Volumes') or (),
                                  lambda name: self.containers.find(name).mounts)
        validate.check_mounts(dataclasses.replace(spec, mounts=mounts))
        container = Container(container_id, spec, image, image.tree.copy(), self._namespace(container_id, spec),
                              mounts=mounts)
        container.tree.make_folder(spec.process.cwd or '/', parents=True)
        self.wanted_networks(container)
        for mount in mounts:
            if mount.kind is specs.MountKind.VOLUME:
                self.mount_volume(container, mount)
        return container

    @abc.abstractmethod
    def probe(self, container: Container, spec: specs.ExecSpec, timeout_s: float) -> state.ExecResult:
        """Run a health check."""

    @abc.abstractmethod
    def wanted_networks(self, container: Container) -> None:
        """Put a new container into the networks it asks for, all or none."""

    @abc.abstractmethod
    def leave_networks(self, container: Container) -> None:
        """A container is gone."""

    @abc.abstractmethod
    def publish_ports(self, container: Container) -> None:
        """Give a container that starts its ports, and networks that are there by now.

        :raises AlreadyExists: a port is taken.  :raises NetworkNotFound: one is not there still.
        """

    @abc.abstractmethod
    def withdraw_ports(self, container: Container) -> None:
        """Its first process is over."""

    @abc.abstractmethod
    def network_state(self, container: Container) -> tuple[tuple[EndpointInfo, ...], tuple[Port, ...]]:
        """What it has in networks, and the ports it shows on the host."""

    def _info_of(self, container: Container) -> state.ContainerInfo:
        endpoints, shown = self.network_state(container)
        return dataclasses.replace(container.info, endpoints=endpoints, ports=shown)

    def _check_joined(self, spec: specs.ContainerSpec) -> None:
        """:raises ContainerNotFound: a container to join is not here. :raises InvalidSpec: it does not share."""
        for mode in (spec.sharing.pid, spec.sharing.ipc):
            if mode.startswith('container:'):
                found = self.containers.find(mode.removeprefix('container:'))
                if mode == spec.sharing.ipc and found.spec.sharing.ipc != 'shareable':
                    raise errors.InvalidSpec(f'sharing: container {found.spec.name} does not share its memory')

    def _namespace(self, container_id: str, spec: specs.ContainerSpec) -> str | None:
        if spec.network.mode is specs.NetworkMode.HOST:
            return None
        if spec.network.mode is specs.NetworkMode.CONTAINER:
            return self.containers.find(spec.network.container or '').network_namespace
        return f'/run/nova-container-fake/{container_id}/netns'

    @faults.verb
    def network_namespace(self, container: str) -> str:
        with self.changed:
            path = self.containers.find(container).network_namespace
        if path is None:
            raise errors.Unsupported(f'Container {container} shares the network of its host')
        return path

    @faults.verb
    def start(self, container: str) -> None:
        with self.changed:
            found = self.containers.find(container)
            if found.status is state.Status.PAUSED:
                raise errors.WrongState(f'Container {container} is paused; unpause it')
            if found.status.may_start:
                found.restart_count = 0
                try:
                    self.run(found)
                except errors.ContainerError:
                    if found.spec.auto_remove:
                        self._drop(found)
                    raise

    def run(self, container: Container) -> None:
        """Start the first process of a container that is not alive."""
        self._check_joined_run(container.spec)
        asked = container.spec.process
        around = self.surroundings(container, (*(asked.entrypoint or ()), *(asked.command or ())), user=asked.user)
        missing = programs.find(around)
        if missing is not None:
            raise errors.InvalidRequest(f'exec: "{around.argv[0]}": {missing.strerror}')
        process = Process(self.changed, around, is_first=not container.spec.init, stdin_open=asked.open_stdin,
                          on_output=container.output, on_end=lambda code: self._ended(container, code))
        self.publish_ports(container)
        container.empty_mounts()
        for session in container.sessions:
            session.connect(process.stdin, may_end_stdin=asked.stdin_once)
        container.process, container.status = process, state.Status.RUNNING
        container.started_at, container.stopped_by_hand, container.oom_killed = time.time(), False, False
        self.publish(container, 'start')
        process.start(programs.run)
        if container.spec.health is not None:
            FakeHealth(container, process, lambda spec, timeout_s: self.probe(container, spec, timeout_s),
                       lambda action: self.publish(container, action)).begin()

    def _check_joined_run(self, spec: specs.ContainerSpec) -> None:
        for mode in (spec.sharing.pid, spec.sharing.ipc):
            if mode.startswith('container:') and self.containers.find(mode.removeprefix('container:')).process is None:
                raise errors.WrongState('A container that is to be joined does not run')

    def surroundings(self, container: Container, argv: tuple[str, ...], *, user: str | None,
                     env: tuple[str, ...] = (), cwd: str | None = None, tty: bool | None = None) -> Surroundings:
        """What a process of this container sees. :raises InvalidRequest: no such user."""
        spec = container.spec
        uid, gid = merge.identity(user if user is not None else spec.process.user, container.tree)
        tty = spec.process.tty if tty is None else tty
        defaults = [f'PATH={programs.DEFAULT_PATH}', f'HOSTNAME={spec.hostname}',
                    f'HOME={"/" if uid else "/root"}', *(['TERM=xterm'] if tty else [])]
        return Surroundings(
            tree=container.tree, argv=argv, env=merge.variables(defaults, spec.process.env, env),
            cwd=cwd or spec.process.cwd or '/', uid=uid, gid=gid, hostname=spec.hostname, tty=tty,
            read_only=spec.security.read_only_root,
            writable=tuple(mount.target for mount in container.mounts if not mount.read_only),
            closed=tuple(mount.target for mount in container.mounts if mount.read_only))

    def _ended(self, container: Container, code: int) -> None:
        """The first process is over. Called with the condition held."""
        container.process, container.status = None, state.Status.STOPPED
        self.withdraw_ports(container)
        if container.health is not None:
            container.health = dataclasses.replace(container.health, status=health.UNHEALTHY)
        container.exit = state.ExitInfo(code=code, oom_killed=container.oom_killed, finished_at=time.time())
        for running in container.execs:
            if running.process is not None:
                running.process.end(128 + SIGKILL)
        for session in container.sessions:
            session.end()
        container.sessions.clear()
        if container.oom_killed:
            self.publish(container, 'oom')
        self.publish(container, 'die', exitCode=str(code))
        if container.spec.auto_remove:
            self._drop(container)
        elif self._is_to_restart(container, code):
            container.status = state.Status.RESTARTING
            delay_s = min(_FIRST_BACKOFF_S * 2 ** container.restart_count, 60.0)
            timer = threading.Timer(delay_s, self._restart_by_policy, (container,))
            timer.daemon = True
            timer.start()

    def _is_to_restart(self, container: Container, code: int) -> bool:
        policy = container.spec.restart
        if container.stopped_by_hand or policy.name == 'no':
            return False
        if policy.name != 'on-failure':
            return True
        return code != 0 and not 0 < policy.maximum_retries <= container.restart_count

    def _restart_by_policy(self, container: Container) -> None:
        with self.changed:
            if container in self.containers.all() and container.process is None and not container.stopped_by_hand:
                container.restart_count += 1
                self.run(container)

    @faults.verb
    def stop(self, container: str, *, grace_s: float | None = None, signal: str = '') -> None:
        with self.changed:
            self._stop(self.containers.find(container), grace_s, signal)

    def _stop(self, container: Container, grace_s: float | None, other_signal: str) -> None:
        if other_signal and not grammar.is_signal(other_signal):
            raise errors.InvalidSpec(f'{other_signal} is not a signal')
        self._give_up_restart(container)
        process = container.process
        if process is None:
            return
        asked = container.spec.process
        wait_s = next(given for given in (grace_s, asked.stop_timeout_s, _GRACE_S) if given is not None)
        signal = signal_number(other_signal or asked.stop_signal or 'SIGTERM')
        self.publish(container, 'kill', signal=str(signal))
        self._set_paused(container, paused=False)
        process.deliver(signal)
        if not self.changed.wait_for(lambda: process.code is not None, None if wait_s < 0 else wait_s):
            self.publish(container, 'kill', signal=str(SIGKILL))
            process.deliver(SIGKILL)
        self.publish(container, 'stop')

    @faults.verb
    def kill(self, container: str, signal: str = 'SIGKILL') -> None:
        with self.changed:
            found = self.containers.find(container)
            if not grammar.is_signal(signal):
                raise errors.InvalidRequest(f'Invalid signal: {signal}')
            number = signal_number(signal)
            if self._give_up_restart(found):
                return
            process = found.running_process
            self.publish(found, 'kill', signal=str(number))
            process.deliver(number)

    def _give_up_restart(self, container: Container) -> bool:
        """Whether it waited for its restart, which will not be."""
        container.stopped_by_hand = True
        if container.status is not state.Status.RESTARTING:
            return False
        container.status = state.Status.STOPPED
        return True

    @faults.verb
    def restart(self, container: str, *, grace_s: float | None = None, signal: str = '') -> None:
        with self.changed:
            found = self.containers.find(container)
            self._stop(found, grace_s, signal)
            self.run(found)
            self.publish(found, 'restart')

    @faults.verb
    def pause(self, container: str) -> None:
        with self.changed:
            found = self.containers.find(container)
            found.running_process  # noqa: B018 - raises if it is not alive
            if found.status.may_pause:
                self._set_paused(found, paused=True)
                self.publish(found, 'pause')

    @faults.verb
    def unpause(self, container: str) -> None:
        with self.changed:
            found = self.containers.find(container)
            found.running_process  # noqa: B018 - raises if it is not alive
            if found.status is state.Status.PAUSED:
                self._set_paused(found, paused=False)
                self.publish(found, 'unpause')

    def _set_paused(self, container: Container, *, paused: bool) -> None:
        container.status = state.Status.PAUSED if paused else state.Status.RUNNING
        for process in (container.process, *(running.process for running in container.execs)):
            if process is not None:
                process.set_paused(paused)

    @faults.verb
    def remove(self, container: str, *, force: bool = False, volumes: bool = True) -> None:
        with self.changed:
            try:
                found = self.containers.find(container)
            except errors.ContainerNotFound:
                return
            if found.status.active and not force:
                raise errors.WrongState(f'Container {container} is {found.status.value}: stop it, or use force')
            if found.process is not None:
                found.stopped_by_hand = True
                self.publish(found, 'kill', signal=str(SIGKILL))
                found.process.deliver(SIGKILL)
            self._drop(found, volumes=volumes)

    def _drop(self, container: Container, *, volumes: bool = True) -> None:
        if container in self.containers.all():
            self.containers.drop(container)
            self.leave_networks(container)
            if volumes:
                self.drop_anonymous(container)
            for session in container.sessions:
                session.end()
            self.publish(container, 'destroy')

    @faults.verb
    def update(self, container: str, resources: specs.Resources,
               restart: specs.RestartPolicy | None = None) -> None:
        with self.changed:
            found = self.containers.find(container)
            spec = dataclasses.replace(found.spec, resources=merge.resources(found.spec.resources, resources),
                                       restart=restart or found.spec.restart)
            validate.check(spec)
            found.spec = spec
            self.publish(found, 'update')

    @faults.verb
    def rename(self, container: str, name: str) -> None:
        validate.check_name(name)
        with self.changed:
            found = self.containers.find(container)
            if self.containers.is_taken(name):
                raise errors.AlreadyExists(f'The container name {name} is already in use')
            old, found.spec = found.spec.name, dataclasses.replace(found.spec, name=name)
            self.publish(found, 'rename', oldName=old)

    @faults.verb
    def inspect(self, container: str) -> state.ContainerInfo:
        with self.changed:
            return self._info_of(self.containers.find(container))

    @faults.verb
    def list(self, *, labels: Mapping[str, str] | None = None) -> tuple[state.ContainerInfo, ...]:
        with self.changed:
            wanted = (labels or {}).items()
            return tuple(self._info_of(container) for container in reversed(self.containers.all())
                         if wanted <= container.spec.labels.items())

    @faults.verb
    def wait(self, container: str, *, timeout_s: float | None = None) -> state.ExitInfo | None:
        with self.changed:
            found = self.containers.find(container)
            if not self.changed.wait_for(lambda: found.process is None, timeout_s):
                return None
            return found.exit or state.ExitInfo(code=0)

    @faults.verb
    def usage(self, container: str) -> state.Usage:
        with self.changed:
            found = self.containers.find(container)
            age_ns = int((time.time() - found.running_process.started_at) * 1e9)
            limits = found.spec.resources
            return state.Usage(
                read_at=time.time(), cpu_total_ns=age_ns // 100 + 1, cpu_user_ns=age_ns // 200,
                cpu_system_ns=age_ns // 200, host_cpu_ns=time.monotonic_ns(), memory_bytes=1 << 20,
                memory_peak_bytes=1 << 20, memory_limit_bytes=limits.memory_bytes, pids=len(self._processes(found)),
                pids_limit=None if limits.pids_limit == -1 else limits.pids_limit or DEFAULT_PIDS,
                interfaces=(state.InterfaceUsage(name='lo'),))

    @faults.verb
    def top(self, container: str) -> tuple[state.ProcessRow, ...]:
        with self.changed:
            found = self.containers.find(container)
            first = found.running_process
            return tuple(state.ProcessRow(
                pid=process.pid, parent_pid=1 if process is first else first.pid, uid=process.around.uid,
                started_at=process.started_at, cpu_s=0.0, tty='pts/0' if process.around.tty else '?',
                command=' '.join(process.around.argv)) for process in self._processes(found))

    def _processes(self, container: Container) -> tuple[Process, ...]:
        candidates = (container.process, *(running.process for running in container.execs))
        return tuple(process for process in candidates if process is not None and process.code is None)

    def publish(self, container: Container, action: str, **attributes: str) -> None:
        """An event of this container, with its labels as Docker gives them."""
        self.journal.publish('container', action, container.id, {
            **container.spec.labels, 'name': container.spec.name, 'image': container.spec.image, **attributes})
