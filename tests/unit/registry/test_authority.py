# SPDX-License-Identifier: Apache-2.0
"""What is shown to a registry that asks who we are."""

from unittest import mock

import pytest
import urllib3

from nova_container.engine.registry import Credentials
from nova_container.registry.authority import Authority
from nova_container.registry.settings import RegistrySettings

REFUSED = urllib3.HTTPResponse(status=401, headers={'WWW-Authenticate': 'Basic realm="test"'})


@pytest.fixture
def authority() -> Authority:
    return Authority('registry.test', mock.Mock(), RegistrySettings(), Credentials(username='u', password='p'))


def test_a_password_that_is_refused_is_not_shown_again(authority):
    assert authority.answer(REFUSED, '', authority.header(''))
    assert authority.header('') == {'Authorization': 'Basic dTpw'}
    assert not authority.answer(REFUSED, '', authority.header(''))


def test_requests_that_were_sent_at_once_are_all_sent_again_with_the_password(authority):
    nothing = authority.header('')
    assert nothing == {}
    assert all(authority.answer(REFUSED, '', nothing) for _ in range(3))
