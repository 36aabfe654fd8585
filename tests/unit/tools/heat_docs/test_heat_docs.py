# SPDX-License-Identifier: Apache-2.0
"""What is written about resource types is what their schemas say now."""

import pytest
from heat.engine import attributes, constraints, properties, resource

from tools.heat_docs import files, page, readme


class Thing(resource.Resource):
    """A thing.

    It stands for others.
    """

    properties_schema = {
        'size': properties.Schema(properties.Schema.INTEGER, 'How big.', default=3, update_allowed=True,
                                  constraints=[constraints.Range(1, 5)]),
        'name': properties.Schema(properties.Schema.STRING, 'Its name.', required=True),
        'parts': properties.Schema(properties.Schema.LIST, 'Its parts.', schema=properties.Schema(
            properties.Schema.MAP, schema={'kind': properties.Schema(
                properties.Schema.STRING, 'Which.', constraints=[constraints.AllowedValues(['a', 'b'])])}))}
    attributes_schema = {'colour': attributes.Schema('Its colour.', type=attributes.Schema.STRING,
                                                     cache_mode=attributes.Schema.CACHE_NONE)}

    def handle_suspend(self) -> None:
        """Nothing to do."""


def test_every_page_and_the_readme_are_current():
    assert [str(path.relative_to(files.TOP)) for path in files.stale()] == [], 'run "python -m tools.heat_docs"'


def test_a_page_tells_types_defaults_constraints_and_what_updates():
    lines = page.text('OS::Docker::Thing', Thing).splitlines()
    assert lines[:2] == ['OS::Docker::Thing', '=================']
    assert 'Actions: create, update, delete, suspend.' in lines
    assert '   *string*, required, an update replaces the resource.' in lines
    assert '   *integer*, updated in place, default ``3``.' in lines
    assert '   *list of maps*, an update replaces the resource.' in lines
    assert '      One of ``"a"``, ``"b"``.' in lines
    assert '   *string*, always read anew. Its colour.' in lines
    assert lines.index('``name``') < lines.index('``parts``') < lines.index('``size``')


def test_the_table_stands_where_it_is_marked():
    text = f'before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n'
    filled = readme.filled(text, {'OS::Docker::Thing': Thing})
    assert 'old' not in filled and filled.startswith('before\n') and filled.endswith(f'{readme.END}\nafter\n')
    assert '| `OS::Docker::Thing` | A thing. | 3 | 1 | 1 | suspend |' in filled.splitlines()
    assert readme.filled(filled, {'OS::Docker::Thing': Thing}) == filled
    with pytest.raises(ValueError, match='needs a line'):
        readme.filled('nothing marked', {})
