# SPDX-License-Identifier: Apache-2.0
"""The contract of a container engine, its rules of behaviour, and what every caller may rely on.

Rules, checked by ``tests/conformance`` on every engine:

1. A verb that names a target state (start, stop, pause, unpause, remove) is silent if already there.
2. A verb that names an event (kill, exec, commit) raises ``WrongState`` if it cannot happen.
3. The network namespace lives from create to remove.
4. A failed verb leaves nothing behind: no mount, namespace, link, cgroup, process, file or record.
5. Every wait has a deadline; every unbounded input (log, tar, JSON, exec output) has a limit.

``container`` in a verb is a container's id, a unique prefix of it, or its name; a verb given none that
exists raises ``ContainerNotFound``, except ``remove``, which is silent. ``image`` is an image's id, a
unique prefix of it, or a reference. Engines are safe to call from many threads.
"""

import abc
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from nova_container.engine import spec as specs
from nova_container.engine import state
from nova_container.engine.network import NetworkOps
from nova_container.engine.registry import RegistryOps
from nova_container.engine.volume import VolumeOps


class Session(abc.ABC):
    """A live connection to a process: what it writes, and its standard input. Close it when done."""

    @abc.abstractmethod
    def read(self) -> tuple[state.StreamName, bytes] | None:
        """The next piece of output, waiting for it; None once there will be no more."""

    @abc.abstractmethod
    def write(self, data: bytes) -> None:
        """Send to standard input. Silent once the process no longer reads."""

    @abc.abstractmethod
    def close_stdin(self) -> None:
        """End standard input. Repeatable."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go. The process lives on. Repeatable, and wakes a blocked ``read``."""

    def __enter__(self) -> 'Session':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ContainerOps(abc.ABC):
    """Verbs over containers."""

    @abc.abstractmethod
    def create(self, spec: specs.ContainerSpec) -> str:
        """Make a container ready to start and return its id; its network namespace exists from now on.

        :raises AlreadyExists: the name is taken.
        :raises ImageNotFound: the image is not here.
        :raises InvalidSpec: a field is wrong; the text says which.
        """

    @abc.abstractmethod
    def network_namespace(self, container: str) -> str:
        """The path of a file that holds the container's network namespace open (setns(2) takes it).

        :raises Unsupported: the container shares the host's.
        """

    @abc.abstractmethod
    def start(self, container: str) -> None:
        """Run the first process. Silent if running; a paused container raises WrongState.

        One with ``auto_remove`` that cannot be started is removed.

        :raises NotFound: a network it asks for is not there.
        """

    @abc.abstractmethod
    def stop(self, container: str, *, grace_s: float | None = None, signal: str = '') -> None:
        """Send ``signal`` ('' = its own stop signal), wait ``grace_s`` (None = its own, 10), then kill.

        Silent if stopped; one that waits for its restart is not restarted.
        """

    @abc.abstractmethod
    def kill(self, container: str, signal: str = 'SIGKILL') -> None:
        """Send a signal (name or number) to the first process."""

    @abc.abstractmethod
    def restart(self, container: str, *, grace_s: float | None = None, signal: str = '') -> None:
        """Stop, then start, in the same network namespace and with the same files."""

    @abc.abstractmethod
    def pause(self, container: str) -> None:
        """Freeze every process. Silent if paused; a stopped container raises WrongState."""

    @abc.abstractmethod
    def unpause(self, container: str) -> None:
        """Thaw. Silent if running; a stopped container raises WrongState."""

    @abc.abstractmethod
    def remove(self, container: str, *, force: bool = False, volumes: bool = True) -> None:
        """Remove the container and all it owns; silent if there is none.

        With ``volumes`` that includes the volumes that nobody named and no other container uses.

        :raises WrongState: it is alive, or about to be restarted, and ``force`` is not set.
        """

    @abc.abstractmethod
    def update(self, container: str, resources: specs.Resources,
               restart: specs.RestartPolicy | None = None) -> None:
        """Change limits now and for later starts. A field that is None stays as it is."""

    @abc.abstractmethod
    def rename(self, container: str, name: str) -> None:
        """Give it another unique name."""

    @abc.abstractmethod
    def inspect(self, container: str) -> state.ContainerInfo:
        """What it is and how it is now."""

    @abc.abstractmethod
    def list(self, *, labels: Mapping[str, str] | None = None) -> tuple[state.ContainerInfo, ...]:
        """All containers, stopped ones too, that carry every label given; newest first."""

    @abc.abstractmethod
    def wait(self, container: str, *, timeout_s: float | None = None) -> state.ExitInfo | None:
        """Wait until it is not alive; None if ``timeout_s`` passes first. A created one counts as ended."""

    @abc.abstractmethod
    def usage(self, container: str) -> state.Usage:
        """What it uses now. :raises WrongState: it is not alive."""

    @abc.abstractmethod
    def top(self, container: str) -> tuple[state.ProcessRow, ...]:
        """Its processes. :raises WrongState: it is not alive."""

    @abc.abstractmethod
    def logs(self, container: str, query: specs.LogQuery) -> Iterator[state.LogChunk]:
        """Its output so far, oldest first; with ``query.follow`` until it ends or the iterator is closed."""

    @abc.abstractmethod
    def attach(self, container: str) -> Session:
        """Connect to the first process, or, if the container is not alive, to that of its next start."""

    @abc.abstractmethod
    def resize(self, container: str, *, rows: int, columns: int) -> None:
        """Set the size of its terminal. :raises WrongState: it is not alive or has no terminal."""

    @abc.abstractmethod
    def create_exec(self, container: str, spec: specs.ExecSpec) -> str:
        """Prepare a further process and return the exec's id. :raises WrongState: not running."""

    @abc.abstractmethod
    def start_exec(self, exec_id: str) -> Session:
        """Run it, once. :raises WrongState: it ran already, or the container does not run."""

    @abc.abstractmethod
    def inspect_exec(self, exec_id: str) -> state.ExecInfo:
        """How it is. :raises ExecNotFound:"""

    @abc.abstractmethod
    def resize_exec(self, exec_id: str, *, rows: int, columns: int) -> None:
        """Set the size of its terminal."""

    @abc.abstractmethod
    def written_bytes(self, container: str) -> int:
        """The size of the files that it made or changed over its image, as they are now."""

    @abc.abstractmethod
    def changes(self, container: str) -> tuple[state.Change, ...]:
        """Paths that differ from the image, in order."""

    @abc.abstractmethod
    def export(self, container: str) -> Iterator[bytes]:
        """A tar of its whole file system."""

    @abc.abstractmethod
    def stat_path(self, container: str, path: str) -> state.FileStat:
        """A file inside. :raises NotFound:"""

    @abc.abstractmethod
    def copy_out(self, container: str, path: str) -> Iterator[bytes]:
        """A tar of what is at ``path`` inside. :raises NotFound:"""

    @abc.abstractmethod
    def copy_in(self, container: str, path: str, archive: BinaryIO, *, may_change_kind: bool = True) -> None:
        """Unpack a tar into the directory ``path`` inside.

        :param may_change_kind: a directory may give way to a file, and a file to a directory.
        :raises NotFound: no such directory.
        """

    @abc.abstractmethod
    def commit(self, container: str, spec: specs.CommitSpec = specs.CommitSpec()) -> str:
        """Make an image of the container's files and return its id; frozen meanwhile if ``spec.pause``."""


class ImageOps(abc.ABC):
    """Verbs over images."""

    @abc.abstractmethod
    def load(self, archive: BinaryIO, *, reference: str | None = None) -> tuple[state.ImageInfo, ...]:
        """Take in a docker-save or OCI-layout archive, verified, plain or compressed.

        With ``reference`` the archive must hold one image, which gets that name and no other: names
        inside the archive, which a tenant chose, are ignored. ``references`` of what comes back are the names that
        it got now; some engines tell all.

        :raises UnacceptableImage: the archive breaks a rule.  :raises DigestMismatch: wrong bytes.
        """

    @abc.abstractmethod
    def save(self, images: tuple[str, ...]) -> Iterator[bytes]:
        """An archive of these images that ``load`` takes, docker-save and OCI layout at once."""

    @abc.abstractmethod
    def list_images(self) -> tuple[state.ImageInfo, ...]:
        """All images, newest first."""

    @abc.abstractmethod
    def inspect_image(self, image: str) -> state.ImageInfo:
        """One image. :raises ImageNotFound:"""

    @abc.abstractmethod
    def tag_image(self, image: str, reference: str) -> None:
        """Give the image a further name; a name that another image holds moves."""

    @abc.abstractmethod
    def remove_image(self, image: str, *, force: bool = False) -> tuple[str, ...]:
        """Take away a name, or all of the image if it was the last one or an id was given; silent if none.

        Returns what went: references, then ids.

        :raises WrongState: a container uses it.
        """

    @abc.abstractmethod
    def prune_images(self, *, all_unused: bool = False) -> tuple[tuple[str, ...], int]:
        """Remove unused images (nameless ones, or all); returns their ids and the bytes freed."""


class SystemOps(abc.ABC):
    """Verbs over the engine itself."""

    @abc.abstractmethod
    def ping(self, *, timeout_s: float | None = None) -> None:
        """Silent if it answers within ``timeout_s`` (None = as for every verb). :raises Unavailable: it does not."""

    @abc.abstractmethod
    def info(self) -> state.EngineInfo:
        """The engine and its host. :raises Unavailable: it does not answer."""

    @abc.abstractmethod
    def events(self, *, since: float | None = None, until: float | None = None) -> Iterator[state.Event]:
        """Events as they happen, after those remembered from ``since`` on; ends at ``until``."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of connections and threads. Containers run on. Repeatable."""


class Engine(ContainerOps, ImageOps, SystemOps, VolumeOps, NetworkOps, RegistryOps):
    """A container engine."""

    def exec(self, container: str, spec: specs.ExecSpec, *, stdin: bytes = b'',
             timeout_s: float = 60.0, limit_bytes: int = 1 << 20) -> state.ExecResult:
        """Run a command to its end and return what it said, at most ``limit_bytes`` a stream.

        :raises Unavailable: it did not end within ``timeout_s``; it may run on.
        """
        from nova_container.engine import execution
        return execution.run(self, container, spec, stdin=stdin, timeout_s=timeout_s, limit_bytes=limit_bytes)
