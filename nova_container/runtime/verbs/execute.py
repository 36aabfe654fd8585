# SPDX-License-Identifier: Apache-2.0
"""Further processes in a running container."""

import secrets
from collections.abc import Callable

from nova_container import errors
from nova_container.engine import validate
from nova_container.engine.base import Session
from nova_container.engine.spec import ExecSpec
from nova_container.host import cgroups
from nova_container.runtime import bundle, executables, oci_config, users
from nova_container.runtime.container import Container
from nova_container.runtime.execution import Execution
from nova_container.runtime.parts import Parts

_KEPT = 1000


def create_exec(parts: Parts, name: str, spec: ExecSpec) -> str:
    """See ``ContainerOps.create_exec``."""
    validate.check_exec(spec)
    container = parts.register.get(name)
    container.must_be(container.status.may_exec, 'run a command in it')
    execution = Execution(secrets.token_hex(32), container.id, spec, parts.bundle(container))
    _forget_old(parts)
    parts.executions[execution.id] = execution
    with container.changed:
        container.executions = (*(each for each in container.executions if not each.is_over), execution)
    parts.publish(container, f'exec_create: {" ".join(spec.command)}', {'execID': execution.id})
    return execution.id


def _forget_old(parts: Parts) -> None:
    """Keep the last ones that ended, for those who ask for exit codes."""
    if len(parts.executions) >= _KEPT:
        ended = [key for key, each in list(parts.executions.items()) if each.is_over]
        for key in ended[:_KEPT // 2]:
            parts.executions.pop(key, None)


def start_exec(parts: Parts, exec_id: str) -> Session:
    """See ``ContainerOps.start_exec``."""
    execution = get(parts, exec_id)
    container = parts.register.get(execution.container_id)
    try:
        session = begin(parts, container, execution, lambda code: parts.publish(
            container, 'exec_die', {'execID': exec_id, 'exitCode': str(code)}))
    except errors.InvalidRequest as error:
        execution.fail(executables.code_of(error) or executables.NOT_EXECUTABLE)
        raise
    parts.publish(container, f'exec_start: {" ".join(execution.spec.command)}', {'execID': exec_id})
    return session


def begin(parts: Parts, container: Container, execution: Execution,
          ended: Callable[[int], None] = lambda code: None) -> Session:
    """Run a process that was prepared; ``ended`` is told its exit code.

    :raises WrongState: it ran already, or the container does not run.
    :raises Unrunnable: nobody listens to it, and there is no such program.
    """
    container.must_be(container.status.may_exec, 'run a command in it')
    cgroups.expect_move(parts.cgroup_version)
    description = bundle.describe(parts, container)
    spec = execution.spec
    identity = description.identity if spec.user is None else users.resolve(
        description.rootfs, spec.user, container.record.spec.security.groups)
    process = oci_config.exec_process(description, spec, identity)
    first = container.record.pid or 0

    def fault() -> int | None:
        return executables.fault_of_exec(f'/proc/{first}/root', spec.command[0], process['env'], process['cwd'])

    if not (spec.attach_stdin or spec.attach_stdout or spec.attach_stderr):  # nobody would hear of it later
        executables.raise_fault(fault(), spec.command[0])
    return execution.start(parts.oci(container), parts.launcher, process, beside=first, ended=ended, fault=fault)


def get(parts: Parts, exec_id: str) -> Execution:
    """:raises ExecNotFound:"""
    try:
        return parts.executions[exec_id]
    except KeyError:
        raise errors.ExecNotFound(exec_id) from None
