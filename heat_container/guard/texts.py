# SPDX-License-Identifier: Apache-2.0
"""Names of containers in the texts that hold them. Pure."""

from collections.abc import Callable

Find = Callable[[str], str]
"""From a name to an id."""


def renamed(mode: str, find: Find) -> str:
    """``container:NAME`` by the id."""
    kind, colon, container = mode.partition(':')
    return f'{kind}:{find(container)}' if kind == 'container' and colon else mode


def first(text: str, find: Find) -> str:
    """``NAME:rest`` by the id."""
    container, colon, rest = text.partition(':')
    return f'{find(container)}{colon}{rest}'
