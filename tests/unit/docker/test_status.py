# SPDX-License-Identifier: Apache-2.0
"""The table of errors and statuses is complete, and both ways agree."""

import inspect

import pytest

from nova_container import errors
from nova_container.docker import status

ALL = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, errors.ContainerError)]


def made(cls):
    error = cls.__new__(cls)
    error.args = ('Something happened',)
    return error


@pytest.mark.parametrize('cls', ALL)
def test_every_class_has_a_row_and_comes_back_as_itself(cls):
    assert cls in status.STATUS
    error = made(cls)
    back = status.error_of(status.status_of(error), status.body_of(error), 'GET /anything')
    assert type(back) is cls
    assert str(back) == 'Something happened'


def test_kinds_are_unique():
    assert len({cls.kind for cls in ALL}) == len(ALL)


def test_a_class_without_a_row_has_that_of_its_base():
    class Odd(errors.ImageNotFound):
        pass

    assert status.status_of(Odd('x')) == 404


@pytest.mark.parametrize(('code', 'endpoint', 'cls'), [
    (400, 'POST /containers/create', errors.InvalidSpec), (400, 'POST /commit', errors.InvalidRequest),
    (401, 'POST /auth', errors.Denied), (403, 'GET /info', errors.Denied),
    (404, 'POST /containers/create', errors.ImageNotFound), (404, 'GET /containers/x/json', errors.ContainerNotFound),
    (404, 'POST /commit', errors.ContainerNotFound), (404, 'GET /containers/x/archive', errors.NotFound),
    (404, 'GET /images/x/json', errors.ImageNotFound), (404, 'GET /exec/x/json', errors.ExecNotFound),
    (404, 'GET /other', errors.NotFound), (409, 'POST /containers/create', errors.AlreadyExists),
    (409, 'POST /containers/x/rename', errors.AlreadyExists), (409, 'POST /containers/x/kill', errors.WrongState),
    (418, 'GET /x', errors.InvalidRequest), (500, 'GET /x', errors.HostFailure), (501, 'GET /x', errors.Unsupported),
    (503, 'GET /x', errors.Unavailable), (507, 'GET /x', errors.Exhausted), (301, 'GET /x', errors.HostFailure),
])
def test_a_docker_without_kinds_is_understood_by_status_and_endpoint(code, endpoint, cls):
    assert type(status.error_of(code, {'message': 'whatever'}, endpoint)) is cls


def test_an_answer_without_a_message_still_says_something():
    assert str(status.error_of(500, None, 'GET /x')) == 'The engine answered 500 to GET /x'
    assert str(status.error_of(500, ['odd'], 'GET /x')) == 'The engine answered 500 to GET /x'
