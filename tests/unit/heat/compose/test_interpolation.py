# SPDX-License-Identifier: Apache-2.0
"""Variables of compose files."""

import pytest

from heat_container.compose.interpolation import Variables
from nova_container import errors

GIVEN = Variables({'A': 'a', 'EMPTY': '', 'N': '3'}, {'PW': 'secret'})


@pytest.mark.parametrize(('text', 'found'), [
    ('x$A-y', 'xa-y'), ('${A}b', 'ab'), ('$$A', '$A'), ('${NONE}', ''), ('${NONE:-d}', 'd'), ('${EMPTY:-d}', 'd'),
    ('${EMPTY-d}', ''), ('${NONE-d}', 'd'), ('${A:-d}', 'a'), ('${A:+yes}', 'yes'), ('${EMPTY:+yes}', ''),
    ('${EMPTY+yes}', 'yes'), ('${NONE+yes}', ''), ('${NONE:-${A}}', 'a'), ('${NONE:-x${NONE-y${N}}z}', 'xy3z'),
    ('${A:?must be}', 'a'), ('${NONE:-$$}', '$'), ('no dollar', 'no dollar'), ('${NONE:-a:b}', 'a:b')])
def test_a_variable_is_replaced_as_compose_does(text, found):
    assert GIVEN.filled({'k': [text]}, '') == {'k': [found]}


@pytest.mark.parametrize(('text', 'message'), [
    ('${NONE:?say it}', r'k\[0\]: the variable NONE is required: say it'), ('${EMPTY:?}', 'EMPTY is required'),
    ('${A', 'not closed'), ('$', 'begins no variable'), ('${A!b}', 'no variable'), ('$1', 'begins no variable'),
    ('${PW} and more', 'secret variable PW'), ('${NONE:-${PW}}', 'secret variable PW'),
    ('${N:-' * 30 + '}' * 30, 'nested')])
def test_what_is_no_variable_is_refused_by_the_key_it_is_at(text, message):
    with pytest.raises(errors.InvalidRequest, match=message):
        Variables({'A': 'a', 'EMPTY': ''}, {'PW': 'secret'}).filled({'k': [text]}, '')


def test_a_text_that_is_a_secret_variable_stays():
    assert GIVEN.filled({'k': ['${PW}', '$PW', 'X=${PW}']}, '') == {'k': ['${PW}', '$PW', 'X=${PW}']}
    assert GIVEN.named('${PW}') == 'PW' and GIVEN.named('${A}') == ''


def test_keys_and_what_is_no_text_stay():
    assert GIVEN.filled({'$A': 3, 'b': True, 'c': None}, '') == {'$A': 3, 'b': True, 'c': None}
