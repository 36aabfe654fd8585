# SPDX-License-Identifier: Apache-2.0
"""oslo.config files from plain values."""

import collections.abc
import pathlib

Sections = dict[str, dict[str, object]]


def render(sections: Sections) -> str:
    """Return the text of a file.

    A list becomes one comma-separated value, a tuple one line an item (a
    MultiOpt), None leaves the option out, `$` is kept from interpolation.
    """
    lines = []
    for section, options in sections.items():
        lines.append(f'[{section}]')
        for name, value in options.items():
            lines += [f'{name} = {text}' for text in _texts(value)]
        lines.append('')
    return '\n'.join(lines)


def merge(*parts: Sections) -> Sections:
    """Return one set of sections; a later part wins option by option."""
    merged: Sections = {}
    for part in parts:
        for section, options in part.items():
            merged.setdefault(section, {}).update(options)
    return merged


def write(path: pathlib.Path, sections: Sections) -> None:
    """Write a file only its owner may read: it holds passwords."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(render(sections))


def _texts(value: object) -> collections.abc.Iterable[str]:
    if value is None:
        return ()
    if isinstance(value, tuple):
        return tuple(_escape(item) for item in value)
    if isinstance(value, list):
        return (','.join(_escape(item) for item in value),)
    return (_escape(value),)


def _escape(value: object) -> str:
    return str(value).replace('$', '$$')
