# SPDX-License-Identifier: Apache-2.0
import pytest

from bench import table


def test_a_table_is_aligned_and_is_markdown():
    assert table.render(('what', 'n'), [('a long name', '1'), ('b', '1000')]) == (
        '| what        |    n |\n'
        '| ----------- | ---: |\n'
        '| a long name |    1 |\n'
        '| b           | 1000 |')


def test_a_narrow_column_keeps_the_rule_of_markdown():
    assert table.render(('what', 'n'), [('a', '1')]).splitlines()[1] == '| ---- | --: |'


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match='A row of 1 cells below a head of 2: a'):
        table.render(('what', 'n'), [('a',)])
