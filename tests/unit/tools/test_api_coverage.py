# SPDX-License-Identifier: Apache-2.0
"""Nothing of the Docker Engine API is forgotten: what is not done is refused, on purpose."""

import pytest

from heat_container.schema.container import api
from tools.api_coverage import __main__ as command
from tools.api_coverage import heat, measure
from tools.api_coverage.measure import Verdict


def test_every_endpoint_is_answered_or_refused():
    assert [row.name for row in measure.endpoints() if row.verdict is Verdict.MISSING] == []


def test_every_field_is_honoured_or_refused():
    assert [f'{row.group}: {row.name}' for row in measure.body_fields() if row.verdict is Verdict.MISSING] == []


def test_every_parameter_is_read_or_does_not_matter():
    assert [f'{row.group}: {row.name}' for row in measure.parameters() if row.verdict is Verdict.MISSING] == []


def test_a_parameter_that_nobody_reads_is_found(monkeypatch):
    monkeypatch.setattr(measure, 'surface', lambda real=measure.surface: {
        **real(), 'parameters': {'POST /build': ['memory', 'cpubingo'], 'GET /events': ['since']}})
    assert [row.name for row in measure.parameters() if row.verdict is Verdict.MISSING] == ['cpubingo']


def test_most_of_it_is_done():
    verdicts = [row.verdict for row in (*measure.endpoints(), *measure.body_fields())]
    assert verdicts.count(Verdict.DONE) > 3 * verdicts.count(Verdict.REFUSED)


@pytest.mark.parametrize('options', [[], ['--markdown'], ['--markdown', '--all'], ['--heat', '--all']])
def test_the_table_has_a_line_for_all(capsys, options):
    assert command.main(options) == 0
    assert 'all in scope' in capsys.readouterr().out


def test_every_field_of_a_container_is_a_property_or_is_gated():
    assert [f'{row.group}: {row.name}' for row in heat.create_fields() if row.verdict is Verdict.MISSING] == []


def test_every_endpoint_in_scope_is_reached_from_a_template():
    assert [row.name for row in heat.endpoints() if row.verdict is Verdict.MISSING] == []


@pytest.mark.parametrize(('table', 'field'), [(api.EXPOSED, 'HostConfig.Memory'), (api.GATED, 'HostConfig.AutoRemove')])
def test_a_field_in_neither_table_is_found(monkeypatch, table, field):
    monkeypatch.setattr(api, 'EXPOSED' if table is api.EXPOSED else 'GATED',
                        {name: text for name, text in table.items() if name != field})
    assert [row.name for row in heat.create_fields() if row.verdict is Verdict.MISSING] == [field.partition('.')[2]]
