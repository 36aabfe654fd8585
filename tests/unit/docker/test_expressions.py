# SPDX-License-Identifier: Apache-2.0
"""What clients send as regular expressions is searched quickly, or refused."""

import pytest

from nova_container import errors
from nova_container.docker.wire import expressions


@pytest.mark.parametrize('text', [
    '^/web$', '^/web-.*-[0-9]+$', 'a|b', '(web|db)-1', r'\(a\)+', '[*+{]{2}', '^web.?$', '', 'a*b*c*',
    '(web)?-(?:a|b)'])
def test_usual_ones_are_accepted(text):
    assert expressions.compiled(text, 'name').pattern == text


@pytest.mark.parametrize('text', [
    '(a+)+$', '(a|a)*b', '(a){9}', 'a*a*a*a*b', '.*.*.*.*x', '((a*)b)*', 'a?' * 30 + 'a' * 30])
def test_what_could_take_for_ever_is_refused(text):
    with pytest.raises(errors.InvalidSpec, match='could take too long'):
        expressions.compiled(text, 'name')


@pytest.mark.parametrize('text', ['(', '[', '*', 'a**'])
def test_what_is_none_is_refused(text):
    with pytest.raises(errors.InvalidSpec, match='is not a regular expression'):
        expressions.compiled(text, 'name')


def test_the_worst_that_is_accepted_takes_no_time():
    assert not expressions.compiled('a*a*a*b', 'name').search('a' * 255)
