# SPDX-License-Identifier: Apache-2.0
"""Execs <-> the bodies of POST /containers/{id}/exec and GET /exec/{id}/json."""

from nova_container import errors
from nova_container.docker.wire import fields
from nova_container.docker.wire.document import Document, Json, without_none
from nova_container.engine import spec as specs
from nova_container.engine import state


def exec_body(spec: specs.ExecSpec) -> Json:
    return without_none({
        'Cmd': list(spec.command), 'Env': list(spec.env) or None, 'WorkingDir': spec.cwd, 'User': spec.user,
        'Tty': spec.tty, 'AttachStdin': spec.attach_stdin, 'AttachStdout': spec.attach_stdout,
        'AttachStderr': spec.attach_stderr, 'Privileged': spec.privileged or None,
    })


def exec_of(fields_of_body: object) -> specs.ExecSpec:
    """What an exec create request asks for. :raises InvalidSpec: no command, or a wrong type."""
    body = Document(fields_of_body)
    fields.check(body, fields.EXEC)
    if not body.texts('Cmd'):
        raise errors.InvalidSpec('Cmd must hold a command')
    return specs.ExecSpec(
        command=body.texts('Cmd'), env=body.texts('Env'), cwd=body.text('WorkingDir') or None,
        user=body.text('User') or None, tty=bool(body.flag('Tty')), attach_stdin=bool(body.flag('AttachStdin')),
        attach_stdout=bool(body.flag('AttachStdout')), attach_stderr=bool(body.flag('AttachStderr')),
        privileged=bool(body.flag('Privileged')))


def exec_inspect_body(info: state.ExecInfo) -> Json:
    """``NovaContainer`` is ours: the parts of the spec Docker forgets."""
    spec = info.spec
    return {
        'ID': info.id, 'Running': info.running, 'ExitCode': info.exit_code, 'Pid': info.pid or 0,
        'ProcessConfig': {'tty': spec.tty, 'entrypoint': spec.command[0], 'arguments': list(spec.command[1:]),
                          'privileged': spec.privileged, 'user': spec.user or ''},
        'OpenStdin': spec.attach_stdin, 'OpenStdout': spec.attach_stdout, 'OpenStderr': spec.attach_stderr,
        'CanRemove': False, 'ContainerID': info.container_id, 'DetachKeys': '',
        'NovaContainer': without_none({'Env': list(spec.env) or None, 'WorkingDir': spec.cwd}),
    }


def exec_info_of(fields_of_body: object) -> state.ExecInfo:
    body = Document(fields_of_body)
    process, ours = body.document('ProcessConfig'), body.document('NovaContainer')
    return state.ExecInfo(
        id=body.text('ID'), container_id=body.text('ContainerID'), running=bool(body.flag('Running')),
        pid=body.positive('Pid'), exit_code=body.integer('ExitCode'),
        spec=specs.ExecSpec(
            command=(process.text('entrypoint'), *process.texts('arguments')), env=ours.texts('Env'),
            cwd=ours.text('WorkingDir') or None, user=process.text('user') or None, tty=bool(process.flag('tty')),
            attach_stdin=bool(body.flag('OpenStdin')), attach_stdout=bool(body.flag('OpenStdout')),
            attach_stderr=bool(body.flag('OpenStderr')), privileged=bool(process.flag('privileged'))))
