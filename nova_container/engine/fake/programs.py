# SPDX-License-Identifier: Apache-2.0
"""The programs of the fake: the few of busybox that tests run, and one that serves until it is told to stop."""

import posixpath
from collections.abc import Callable

from nova_container.engine import state
from nova_container.engine.fake.process import Process, Surroundings
from nova_container.engine.fake.shell import Call, Shell

_EXECUTABLE = 0o111
DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


def find(around: Surroundings) -> OSError | None:
    """Why the program of a process cannot run; None if it can."""
    name = around.argv[0]
    folders = [''] if '/' in name else around.env.get('PATH', DEFAULT_PATH).split(':')
    refused: OSError | None = None
    for folder in folders:
        node = around.tree.find(posixpath.join(around.cwd, folder, name))
        if node is None or around.tree.is_folder(posixpath.join(around.cwd, folder, name)):
            continue
        if node.mode & _EXECUTABLE:
            return None
        refused = PermissionError(13, 'permission denied', name)
    return refused or FileNotFoundError(2, 'executable file not found in $PATH', name)


def run(process: Process) -> int:
    """Run the program that ``argv`` names; what is no known program serves."""
    return execute(Call(process=process, words=list(process.around.argv), env=process.around.env,
                        outputs={1: state.StreamName.STDOUT, 2: state.StreamName.STDERR}))


def execute(call: Call) -> int:
    """Run one command, as the first of a process or from its shell."""
    name = posixpath.basename(call.words[0])
    missing = find(Surroundings(tree=call.process.around.tree, argv=tuple(call.words), env=call.env,
                                cwd=call.process.around.cwd))
    if missing is not None and name not in _BUILT_IN:
        call.say(f'sh: {call.words[0]}: not found\n', stream=2)
        return 126 if isinstance(missing, PermissionError) else 127
    try:
        return PROGRAMS.get(name, serve)(call)
    except OSError as failure:
        call.say(f'{name}: {failure.filename}: {failure.strerror}\n', stream=2)
        return 1


def serve(call: Call) -> int:
    """A server: writes nothing, and ends well when asked to."""
    call.process.traps.update({1: 'exit', 2: 'exit', 3: 'exit', 15: 'exit'})
    call.process.wait_until(lambda: bool(call.process.pending))
    return 0


def _true(call: Call) -> int:
    return 0


def _false(call: Call) -> int:
    return 1


def _sh(call: Call) -> int:
    shell, words = Shell(call.process, execute), call.words[1:]
    if words[:1] == ['-c']:
        return shell.run(words[1])
    if words:
        return shell.run(call.process.around.tree.read(call.path(words[0])).decode())
    code = 0
    while line := call.process.read(line=True):
        code = shell.run(line.decode())
    return code


def _echo(call: Call) -> int:
    words = call.words[1:]
    if words[:1] == ['-n']:
        call.say(' '.join(words[1:]))
    else:
        call.say(' '.join(words) + '\n')
    return 0


def _cat(call: Call) -> int:
    for path in call.words[1:]:
        call.say(call.process.around.tree.read(call.path(path)))
    if not call.words[1:]:
        for piece in call.input():
            call.say(piece)
    return 0


def _sleep(call: Call) -> int:
    call.process.wait_until(lambda: False, float(call.words[1].replace('infinity', '1e6')))
    return 0


def _env(call: Call) -> int:
    call.say(''.join(f'{name}={value}\n' for name, value in call.env.items()))
    return 0


def _hostname(call: Call) -> int:
    call.say(f'{call.process.around.hostname}\n')
    return 0


def _id(call: Call) -> int:
    around = call.process.around
    call.say({'-u': f'{around.uid}\n', '-g': f'{around.gid}\n'}.get(
        ''.join(call.words[1:]), f'uid={around.uid} gid={around.gid}\n'))
    return 0


def _pwd(call: Call) -> int:
    call.say(f'{call.process.around.cwd}\n')
    return 0


def _rm(call: Call) -> int:
    options, paths = _options(call)
    for path in paths:
        absolute = call.writable(path)
        if call.process.around.tree.find(absolute, follow_last=False) is not None or 'f' not in options:
            call.process.around.tree.remove(absolute, recursive='r' in options)
    return 0


def _mkdir(call: Call) -> int:
    options, paths = _options(call)
    for path in paths:
        call.process.around.tree.make_folder(call.writable(path), parents='p' in options)
    return 0


def _ln(call: Call) -> int:
    _, (target, path) = _options(call)
    call.process.around.tree.make_link(call.writable(path), target)
    return 0


def _test(call: Call) -> int:
    words = [word for word in call.words[1:] if word != ']']
    node = call.process.around.tree.find(call.path(words[1]))
    if words[0] == '-t':
        return 0 if call.process.around.tty else 1
    return 0 if node is not None else 1


def _stty(call: Call) -> int:
    call.say(f'{call.process.rows} {call.process.columns}\n')
    return 0


def _options(call: Call) -> tuple[str, list[str]]:
    options = ''.join(word[1:] for word in call.words[1:] if word.startswith('-'))
    return options, [word for word in call.words[1:] if not word.startswith('-')]


PROGRAMS: dict[str, Callable[[Call], int]] = {
    'true': _true, ':': _true, 'false': _false, 'sh': _sh, 'ash': _sh, 'echo': _echo, 'cat': _cat, 'sleep': _sleep,
    'env': _env, 'hostname': _hostname, 'id': _id, 'pwd': _pwd, 'rm': _rm, 'mkdir': _mkdir, 'ln': _ln,
    'test': _test, '[': _test, 'stty': _stty}
_BUILT_IN = frozenset({':', 'true', 'false', 'echo', 'pwd', 'test', '['})
