# SPDX-License-Identifier: Apache-2.0
"""The shell of the fake: ``;``, ``&&``, ``||``, ``&``, redirections, ``$NAME`` and traps; no pipes, no loops."""

import contextlib
import dataclasses
import posixpath
import re
import shlex
import threading
from collections.abc import Callable, Iterator

from nova_container.engine import state
from nova_container.engine.fake.process import Killed, Process, signal_number

_JOINTS = frozenset({';', '&&', '||', '&'})
_VARIABLE = re.compile(r'\$(?:\{(\w+)\}|(\w+)|([$?]))')


class Exit(Exception):
    """The script said ``exit``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclasses.dataclass(slots=True, kw_only=True)
class Call:
    """One command about to run: its words, and where its streams go."""

    process: Process
    words: list[str]
    env: dict[str, str]
    outputs: dict[int, str | state.StreamName]
    input_path: str | None = None

    def say(self, data: str | bytes, stream: int = 1) -> None:
        """Write to standard output (1) or standard error (2)."""
        target = self.outputs[stream]
        blob = data.encode(errors='surrogateescape') if isinstance(data, str) else data
        if isinstance(target, state.StreamName):
            self.process.write(target, blob)
        elif target != '/dev/null':
            self.process.around.tree.write(target, blob, append=True)

    def input(self) -> Iterator[bytes]:
        """Standard input, piece by piece."""
        if self.input_path is not None:
            yield self.process.around.tree.read(self.path(self.input_path))
            return
        while piece := self.process.read():
            yield piece

    def path(self, path: str) -> str:
        return posixpath.join(self.process.around.cwd, path)

    def writable(self, path: str) -> str:
        """The absolute path. :raises OSError: it is on a read-only file system."""
        around, absolute = self.process.around, self.path(path)
        if around.read_only and not absolute.startswith(('/dev/', *(f'{folder}/' for folder in around.writable))):
            raise OSError(30, 'Read-only file system', path)
        if f'{absolute}/'.startswith(tuple(f'{folder}/' for folder in around.closed)):
            raise OSError(30, 'Read-only file system', path)
        return absolute


Programs = Callable[[Call], int]


class Shell:
    """One shell: its variables, its jobs and the code of its last command."""

    def __init__(self, process: Process, programs: Programs) -> None:
        self._process = process
        self._programs = programs
        self._jobs: list[threading.Thread] = []
        self._code = 0

    def run(self, script: str) -> int:
        """Run a script and return its exit code."""
        try:
            self._list(script)
        except Exit as leaving:
            return leaving.code
        return self._code

    def _list(self, script: str) -> None:
        joint = ';'
        for words, following in _commands(script):
            if joint == '&&' and self._code or joint == '||' and not self._code:
                joint = following
                continue
            joint = following
            if following == '&':
                job = threading.Thread(target=self._background, args=(words,), daemon=True)
                self._jobs.append(job)
                job.start()
            else:
                self._code = self._command(words)
            self._run_traps()

    def _background(self, words: list[str]) -> None:
        with contextlib.suppress(Killed):
            self._command(words)
            with self._process.changed:
                self._process.changed.notify_all()

    def _run_traps(self) -> None:
        while self._process.pending:
            self._list(self._process.traps[self._process.pending.pop(0)])

    def _command(self, words: list[str]) -> int:
        call = Call(process=self._process, words=[], env=self._process.around.env,
                    outputs={1: state.StreamName.STDOUT, 2: state.StreamName.STDERR})
        try:
            self._redirect(call, [self._expand(word) for word in words])
            return self._built_in(call) if call.words else 0
        except OSError as failure:
            call.say(f'sh: {failure.filename}: {failure.strerror}\n', stream=2)
            return 1

    def _redirect(self, call: Call, words: list[str]) -> None:
        rest = iter(words)
        for word in rest:
            if word in ('>&', '>', '>>'):
                stream = int(call.words.pop()) if call.words and call.words[-1] in ('1', '2') else 1
                target = next(rest)
                if word == '>&':
                    call.outputs[stream] = call.outputs[int(target)]
                    continue
                path = call.outputs[stream] = call.writable(target)
                if path != '/dev/null':
                    self._process.around.tree.write(path, b'', append=word == '>>')
            elif word == '<':
                call.input_path = next(rest)
            else:
                call.words.append(word)

    def _built_in(self, call: Call) -> int:
        name, arguments = call.words[0], call.words[1:]
        if name == 'exit':
            raise Exit(int(arguments[0]) if arguments else self._code)
        if name == 'trap':
            self._process.traps.update({signal_number(signal): arguments[0] for signal in arguments[1:]})
        elif name == 'wait':
            return self._wait()
        elif name == 'read':
            line = self._process.read(line=True)
            self._process.around.env[arguments[0] if arguments else 'REPLY'] = line.decode().rstrip('\r\n')
            return 0 if line else 1
        elif name == 'cd':
            self._process.around.cwd = self._process.around.tree.resolve(call.path(arguments[0]))
        elif name == 'exec':
            call.words = arguments
            raise Exit(self._programs(call))
        elif name == 'kill' and arguments[1] == str(self._process.pid):
            self._process.kill_itself(signal_number(arguments[0].lstrip('-')))
        else:
            return self._programs(call)
        return 0

    def _wait(self) -> int:
        self._process.wait_until(
            lambda: bool(self._process.pending) or not any(job.is_alive() for job in self._jobs), None)
        return 128 + self._process.pending[0] if self._process.pending else 0

    def _expand(self, word: str) -> str:
        special = {'$': str(self._process.pid), '?': str(self._code)}

        def value(found: re.Match[str]) -> str:
            name = found[1] or found[2] or found[3]
            return special.get(name) or self._process.around.env.get(name, '')

        return _VARIABLE.sub(value, word)


def _commands(script: str) -> Iterator[tuple[list[str], str]]:
    """The commands of a script, each with what joins it to the next."""
    lexer = shlex.shlex(script.replace('\n', ';'), posix=True, punctuation_chars=';&|<>')
    lexer.whitespace_split = True
    lexer.commenters = ''
    words: list[str] = []
    for token in lexer:
        if token in _JOINTS:
            yield words, token
            words = []
        else:
            words.append(token)
    if words:
        yield words, ';'
