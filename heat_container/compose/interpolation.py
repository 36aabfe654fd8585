# SPDX-License-Identifier: Apache-2.0
"""Variables in a compose file, by the rules of the Compose Specification (compose-spec, 12-interpolation.md). Pure.

``$V``, ``${V}``, ``${V:-default}``, ``${V-default}``, ``${V:?message}``, ``${V?message}``, ``${V:+instead}``,
``${V+instead}``, each nested in another, and ``$$`` for a dollar.
"""

import re
from collections.abc import Mapping
from typing import Any

from nova_container import errors

_NAME = re.compile(r'[_a-zA-Z][_a-zA-Z0-9]*')
_WHOLE = re.compile(r'\$(?:([_a-zA-Z][_a-zA-Z0-9]*)|\{([_a-zA-Z][_a-zA-Z0-9]*)\})')
_OPERATORS = (':-', ':?', ':+', '-', '?', '+')
_DEEPEST = 20


class Variables:
    """What may stand for a variable.

    :param plain: values.
    :param secret: values that do not get into the text of a template.
    """

    def __init__(self, plain: Mapping[str, str], secret: Mapping[str, str] | None = None) -> None:
        self._plain, self.secret = plain, secret or {}

    def named(self, text: str) -> str:
        """The secret variable that a text is, '' if it is none or more than that."""
        found = _WHOLE.fullmatch(text)
        name = (found[1] or found[2]) if found else ''
        return name if name in self.secret else ''

    def value(self, name: str) -> str | None:
        """Its value, None if it is not set. :raises InvalidRequest: it is secret."""
        if name in self.secret:
            raise errors.InvalidRequest(
                f'The secret variable {name} can only be the whole value of a variable of a service, or of a secret')
        return self._plain.get(name)

    def filled(self, value: Any, where: str) -> Any:
        """A document with its variables replaced; keys stay. A text that is one secret variable stays, for later.

        :raises InvalidRequest: a variable is malformed or required; the text names the key.
        """
        if isinstance(value, Mapping):
            return {key: self.filled(item, f'{where}.{key}' if where else str(key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item, f'{where}[{number}]') for number, item in enumerate(value)]
        if not isinstance(value, str) or '$' not in value or self.named(value) or self._is_assignment(value):
            return value
        try:
            return self._text(value, 0)
        except errors.InvalidRequest as error:
            raise errors.InvalidRequest(f'{where}: {error}') from None

    def _is_assignment(self, text: str) -> bool:
        """``NAME=${SECRET}`` in a list of variables."""
        name, equals, rest = text.partition('=')
        return bool(equals and _NAME.fullmatch(name) and self.named(rest))

    def _text(self, text: str, depth: int) -> str:
        if depth > _DEEPEST:
            raise errors.InvalidRequest(f'variables are nested more than {_DEEPEST} deep')
        found, at = [], 0
        while (dollar := text.find('$', at)) >= 0:
            found.append(text[at:dollar])
            piece, at = self._variable(text, dollar + 1, depth)
            found.append(piece)
        return ''.join([*found, text[at:]])

    def _variable(self, text: str, at: int, depth: int) -> tuple[str, int]:
        """What stands for the variable after the dollar before ``at``, and where it ends."""
        if text[at:at + 1] == '$':
            return '$', at + 1
        if text[at:at + 1] == '{':
            end = _closing(text, at)
            return self._braced(text[at + 1:end], depth), end + 1
        name = _NAME.match(text, at)
        if not name:
            raise errors.InvalidRequest(f'{text[:80]!r} has a dollar that begins no variable; write $$ for a dollar')
        return self.value(name[0]) or '', name.end()

    def _braced(self, inner: str, depth: int) -> str:
        name = _NAME.match(inner)
        rest = inner[name.end():] if name else ''
        operator = next((one for one in _OPERATORS if rest.startswith(one)), '')
        if not name or (rest and not operator):
            raise errors.InvalidRequest(f'${{{inner[:80]}}} is no variable')
        found, other = self.value(name[0]), rest.removeprefix(operator)
        is_set = bool(found) if operator.startswith(':') else found is not None
        if operator.endswith('-'):
            return found or '' if is_set else self._text(other, depth + 1)
        if operator.endswith('+'):
            return self._text(other, depth + 1) if is_set else ''
        if operator and not is_set:
            message = self._text(other, depth + 1)
            raise errors.InvalidRequest(f'the variable {name[0]} is required{f": {message}" if message else ""}')
        return found or ''


def _closing(text: str, at: int) -> int:
    """Where the brace at ``at`` is closed. :raises InvalidRequest:"""
    depth, place = 0, at
    while place < len(text):
        if text.startswith('$$', place):
            place += 2
            continue
        if text[place] == '{' and text[place - 1] == '$':
            depth += 1
        elif text[place] == '}':
            depth -= 1
            if not depth:
                return place
        place += 1
    raise errors.InvalidRequest(f'{text[:80]!r} has a brace that is not closed')
