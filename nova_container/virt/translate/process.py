# SPDX-License-Identifier: Apache-2.0
"""What somebody wishes of the first process, before it meets the image's own configuration."""

import dataclasses
import json
import shlex
from collections.abc import Mapping

from nova_container import errors
from nova_container.engine import spec as specs

_TRUE, _FALSE = ('true', 'yes', '1', 'on'), ('false', 'no', '0', 'off')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProcessWish:
    """A part of a process; None is not said, and ``env`` is laid over what is there."""

    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    workdir: str | None = None
    user: str | None = None
    tty: bool | None = None
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)
    stop_signal: str | None = None
    stop_timeout_s: int | None = None

    def overridden_by(self, stronger: 'ProcessWish') -> 'ProcessWish':
        """Both wishes; where both say something, the stronger one's."""
        said = {field.name: getattr(stronger, field.name) for field in dataclasses.fields(stronger)
                if field.name != 'env' and getattr(stronger, field.name) is not None}
        return dataclasses.replace(self, env={**self.env, **stronger.env}, **said)

    def to_spec(self) -> specs.ProcessSpec:
        """The engine's value. A terminal keeps its standard input open, else a shell would end at once."""
        return specs.ProcessSpec(
            entrypoint=self.entrypoint, command=self.command, cwd=self.workdir, user=self.user,
            env=tuple(f'{name}={value}' for name, value in sorted(self.env.items())),
            tty=bool(self.tty), open_stdin=bool(self.tty),
            stop_signal=self.stop_signal, stop_timeout_s=self.stop_timeout_s)


def words(key: str, value: object) -> tuple[str, ...]:
    """A command line: a list of strings, a JSON array in a string, or words as a shell quotes them.

    :raises InvalidSpec: naming ``key``.
    """
    if isinstance(value, str) and value.lstrip().startswith('['):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise errors.InvalidSpec(f'{key}: not a JSON array: {error}') from None
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise errors.InvalidSpec(f'{key}: {error}; quote it as for a shell, or give a JSON array') from None
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise errors.InvalidSpec(f'{key}: give text, or a list of texts')


def truth(key: str, value: object) -> bool:
    """true or false, as people write it. :raises InvalidSpec: naming ``key``."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE + _FALSE:
        return value.strip().lower() in _TRUE
    raise errors.InvalidSpec(f'{key}: give true or false')


def text(key: str, value: object) -> str:
    """Text that is not empty. A bare number is taken as written. :raises InvalidSpec: naming ``key``."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or '\0' in value:
        raise errors.InvalidSpec(f'{key}: give text that is not empty')
    return value.strip()


def path(key: str, value: object) -> str:
    """An absolute path. :raises InvalidSpec: naming ``key``."""
    found = text(key, value)
    if not found.startswith('/'):
        raise errors.InvalidSpec(f'{key}: give an absolute path, as /srv/app')
    return found


def whole_number(key: str, value: object, *, least: int = 0, most: int = 2**63 - 1) -> int:
    """A whole number in bounds. :raises InvalidSpec: naming ``key``."""
    try:
        if isinstance(value, bool | float):
            raise ValueError
        number = int(str(value))
    except ValueError:
        raise errors.InvalidSpec(f'{key}: give a whole number') from None
    if not least <= number <= most:
        raise errors.InvalidSpec(f'{key}: {number} is not between {least} and {most}')
    return number


def variable(key: str, name: object, value: object) -> tuple[str, str]:
    """One variable of the environment. :raises InvalidSpec: naming ``key``."""
    if not isinstance(name, str) or not name or '=' in name or '\0' in name:
        raise errors.InvalidSpec(f'{key}: {name!r} cannot name an environment variable')
    if isinstance(value, bool | int | float):
        value = str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, str) or '\0' in value:
        raise errors.InvalidSpec(f'{key}: the value of {name} must be text')
    return name, value
