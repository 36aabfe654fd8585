# SPDX-License-Identifier: Apache-2.0
"""A Python service as a value, and how one process becomes it."""

import dataclasses
import importlib
import json
import os
import signal
import sys

@dataclasses.dataclass(frozen=True)
class Program:
    """An entry point of an OpenStack package.

    ``entry`` is ``module:function``; with a ``port`` it is ``module:application``
    and the WSGI application is served there. ``env`` must be set before the
    module is imported, hence is part of the value.
    """

    name: str
    project: str
    entry: str
    argv: tuple[str, ...] = ()
    env: dict[str, str] = dataclasses.field(default_factory=dict)
    port: int | None = None
    threads: int = 8
    privileged: bool = False   # calls privsep contexts in its own process

    def to_json(self) -> str:
        """Return the program as one line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> 'Program':
        """Return the program ``to_json`` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, 'argv': tuple(fields['argv'])})


def become(program: Program) -> None:
    """Run the program in this process until it ends."""
    os.environ.update(program.env)
    sys.argv = [program.name, *program.argv]
    _set_title(program.name)
    if program.project != 'neutron':   # its oslo_service.wsgi imports it
        forbid_eventlet()
    use_native_threads()
    if program.privileged:
        stay_in_process()
    module, _, attribute = program.entry.partition(':')
    target = getattr(importlib.import_module(module), attribute)
    if program.port is None:
        sys.exit(target())
    _serve(target, program)


def forbid_eventlet() -> None:
    """Make oslo libraries choose threads: they import eventlet if they can."""
    if not any(isinstance(finder, _NoEventlet) for finder in sys.meta_path):
        sys.meta_path.insert(0, _NoEventlet())


def allow_eventlet() -> None:
    """Undo forbid_eventlet."""
    sys.meta_path[:] = [finder for finder in sys.meta_path
                        if not isinstance(finder, _NoEventlet)]


def use_native_threads() -> None:
    """Choose oslo.service's threads before anything chooses for us."""
    from oslo_service import backend
    backend.init_backend(backend.BackendType.THREADING)


def stay_in_process() -> None:
    """Run privileged functions here: all is root already.

    pyroute2 forks a helper for other namespaces and ends it by SIGTERM; with
    the service's handlers and wakeup descriptor inherited that signal would
    stop the service, so a forked child starts with neither.
    """
    from oslo_privsep import priv_context
    build = priv_context.PrivContext.__init__

    def build_in_process(self, *args, **kwargs):
        build(self, *args, **kwargs)
        self.client_mode = False

    priv_context.PrivContext.__init__ = build_in_process
    for context in _existing_contexts(priv_context.PrivContext):
        context.client_mode = False
    os.register_at_fork(after_in_child=reset_signals)


def reset_signals() -> None:
    """Give every signal a service may handle its default action."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD,
                   signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


class _NoEventlet:
    """An import finder that has no eventlet."""

    def find_spec(self, name: str, path=None, target=None) -> None:
        """Refuse eventlet, leave the rest to others."""
        if name.partition('.')[0] == 'eventlet':
            raise ImportError('minicloud runs every service on threads')


def _existing_contexts(kind: type) -> list:
    return [value for module in list(sys.modules.values())
            for value in list(getattr(module, '__dict__', {}).values())
            if isinstance(value, kind)]


def _serve(application, program: Program) -> None:
    import waitress
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    waitress.serve(application, listen=f'127.0.0.1:{program.port}',
                   threads=program.threads, ident=None,
                   max_request_body_size=1 << 40, channel_timeout=600,
                   clear_untrusted_proxy_headers=True)


def _set_title(name: str) -> None:
    os.environ['SPT_NOENV'] = '1'   # the marker in environ must stay readable
    import setproctitle
    setproctitle.setproctitle(f'{name} (minicloud)')


if __name__ == '__main__':
    become(Program.from_json(sys.argv[1]))
