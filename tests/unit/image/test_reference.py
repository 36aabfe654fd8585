# SPDX-License-Identifier: Apache-2.0
"""Names as Docker reads them; the tables are those of distribution/reference (normalize_test.go)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova_container import errors
from nova_container.image import reference

D = 'sha256:' + 'ab' * 32

WHOLE_AND_FAMILIAR = {
    'busybox': ('docker.io/library/busybox:latest', 'busybox:latest'),
    'busybox:1.36': ('docker.io/library/busybox:1.36', 'busybox:1.36'),
    'docker.io/busybox': ('docker.io/library/busybox:latest', 'busybox:latest'),
    'index.docker.io/library/busybox': ('docker.io/library/busybox:latest', 'busybox:latest'),
    'fooo/bar': ('docker.io/fooo/bar:latest', 'fooo/bar:latest'),
    'library/foo/bar': ('docker.io/library/foo/bar:latest', 'library/foo/bar:latest'),
    'localhost/foo': ('localhost/foo:latest', 'localhost/foo:latest'),
    'localhost:5000/foo:t': ('localhost:5000/foo:t', 'localhost:5000/foo:t'),
    '127.0.0.1:8000/private/moonbase:b1': ('127.0.0.1:8000/private/moonbase:b1', '127.0.0.1:8000/private/moonbase:b1'),
    '[2001:db8::1]:80/a': ('[2001:db8::1]:80/a:latest', '[2001:db8::1]:80/a:latest'),
    'Uppercase/a': ('Uppercase/a:latest', 'Uppercase/a:latest'),
    'quay.io/a/b/c__d.e---f': ('quay.io/a/b/c__d.e---f:latest', 'quay.io/a/b/c__d.e---f:latest'),
    f'busybox@{D}': (f'docker.io/library/busybox@{D}', f'busybox@{D}'),
    f'busybox:1@{D}': (f'docker.io/library/busybox:1@{D}', f'busybox:1@{D}'),
    'a' * 63: (f'docker.io/library/{"a" * 63}:latest', 'a' * 63 + ':latest'),
}

BAD = [
    '', ':tag', '/', 'a/', '/a', 'a//b', 'Busybox', 'docker.io/Library/x', 'a b', 'a:', 'a:' + 't' * 129, 'a:-t', 'a@',
    'a@md5:1', f'a@{D}@{D}', 'a..b', 'a.-b', '-a', 'a-', 'a___b', '_a', 'https://github.com/docker/docker',
    'aa/asdf$$^/aa', 'ab' * 32, '-host/a.b', 'host.-x/a', 'a/' + 'b' * 260, 'büsy', 'a\n', 'a:t\n', '../../etc',
    'localhost:/a', 'localhost:5x/a']


@pytest.mark.parametrize('text', WHOLE_AND_FAMILIAR)
def test_a_short_name_means_what_it_means_to_docker(text: str) -> None:
    found = reference.parse(text)
    assert (str(found), found.familiar()) == WHOLE_AND_FAMILIAR[text]


@pytest.mark.parametrize('text', BAD)
def test_a_name_outside_the_grammar_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(errors.InvalidReference) as caught:
        reference.parse(text)
    assert len(str(caught.value)) > 20


NEARLY_NAMES = r'([a-z0-9.-]{1,9}(:[0-9]{1,4})?/)?[a-z0-9]{1,5}([._/-][a-z0-9]{1,4}){0,3}(:[\w.-]{1,9})?'


@given(st.from_regex(NEARLY_NAMES, fullmatch=True))
def test_both_forms_of_a_name_are_read_back_as_the_same(text: str) -> None:
    try:
        found = reference.parse(text)
    except errors.InvalidReference:
        return
    assert reference.parse(str(found)) == found
    assert reference.parse(found.familiar()) == found
