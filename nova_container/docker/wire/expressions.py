# SPDX-License-Identifier: Apache-2.0
"""Regular expressions that clients send.

Those of Docker are Go's, which take time in proportion to the text. Python's may take for ever, so what repeats without
bound within what repeats, or many times, is refused: a search of one holds up the whole daemon.
"""

import functools
import re

from nova_container import errors

_REPEATED, _OPTIONAL = 3, 8
_REPETITION = re.compile(r'\\.|\[(?:\\.|[^\]\\])*\]|(\)?[*+{?])', re.DOTALL)


@functools.lru_cache(256)
def compiled(text: str, where: str) -> re.Pattern[str]:
    """:raises InvalidSpec: it is no regular expression, or could take too long."""
    found = [repetition for repetition in _REPETITION.findall(text) if repetition]
    optional = sum(repetition.endswith('?') for repetition in found)
    if len(found) - optional > _REPEATED or optional > _OPTIONAL or {')*', ')+', '){'} & {*found}:
        raise errors.InvalidSpec(f'{where} {text[:64]!r} could take too long: repeat no group, at most {_REPEATED} '
                                 f'others, and have at most {_OPTIONAL} question marks')
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise errors.InvalidSpec(f'{where} {text[:64]!r} is not a regular expression: {error}') from None
