# SPDX-License-Identifier: Apache-2.0
"""The table of what each resource type can, inside the README for users. Pure."""

import inspect
from collections.abc import Iterator, Mapping

from heat.engine.resource import Resource

from tools.heat_docs import page

BEGIN, END = '<!-- written by python -m tools.heat_docs -->', '<!-- until here -->'


def filled(text: str, known: Mapping[str, type[Resource]]) -> str:
    """The text with the table in the place marked for it. :raises ValueError: no place is marked."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f'The README needs a line {BEGIN} and a line {END}')
    return f'{before}{BEGIN}\n{chr(10).join(table(known))}\n{END}{after}'


def table(known: Mapping[str, type[Resource]]) -> Iterator[str]:
    """One row a type, in Markdown."""
    yield '| type | what it is | properties | updated in place | attributes | beside create, update, delete |'
    yield '|---|---|---|---|---|---|'
    for name, cls in sorted(known.items()):
        schema = page.schema_of(cls)
        updated = sum(one.update_allowed for one in schema.values())
        about = (inspect.getdoc(cls) or '').strip().splitlines()[0]
        yield (f'| `{name}` | {about} | {len(schema)} | {updated} | {len(page.attributes_of(cls))} '
               f'| {", ".join(page.handled(cls)) or "-"} |')
