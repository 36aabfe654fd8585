# SPDX-License-Identifier: Apache-2.0
"""A long script of the real ``docker`` command ends line by line as with dockerd, whichever API version is spoken."""

import concurrent.futures
import functools
import re
import subprocess

import pytest

from tests.functional.docker.same import differences, places, results
from tests.functional.docker.same.steps import STEPS

pytestmark = [pytest.mark.root, pytest.mark.dockerd, pytest.mark.timeout(600)]

_KEYS = tuple(dict.fromkeys(step.line for step in STEPS))


@pytest.fixture(scope='module')
def said():
    """Results by engine and line."""

    def through(name, place):
        with place as opened:
            return name, results.run(opened)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = [pool.submit(through, 'dockerd', places.dockerd()),
                pool.submit(through, '1.41', places.builtin('1.41')),
                pool.submit(through, 'newest', places.builtin(''))]
        return dict(job.result() for job in jobs)


@functools.cache
def _speaks_more_than_1_41():
    """Whether the command is newer than Debian's."""
    said = subprocess.run([results.client(), '--version'], capture_output=True, text=True, check=True).stdout
    return int(re.search(r'version (\d+)', said)[1]) > 20


def _of(found, line):
    """Of a line that is there several times, all."""
    return [result for key, result in found.items() if key == line or key.startswith(f'{line} #')]


def test_the_script_is_long():
    assert len(STEPS) >= 150


@pytest.mark.parametrize('line', _KEYS)
def test_the_built_in_engine_says_what_dockerd_says(said, line):
    same = _of(said['1.41'], line) == _of(said['dockerd'], line)
    if line in differences.FROM_DOCKERD:
        assert not same or not _speaks_more_than_1_41(), 'they are the same: take the line out of the list'
    else:
        assert _of(said['1.41'], line) == _of(said['dockerd'], line)


@pytest.mark.parametrize('line', _KEYS)
def test_every_version_of_the_api_says_the_same(said, line):
    same = _of(said['newest'], line) == _of(said['1.41'], line)
    if line in differences.BETWEEN_VERSIONS and _speaks_more_than_1_41():
        assert not same, 'they are the same: take the line out of the list'
    else:
        assert _of(said['newest'], line) == _of(said['1.41'], line)


@pytest.mark.parametrize('table', [differences.FROM_DOCKERD, differences.BETWEEN_VERSIONS])
def test_differences_are_of_lines_of_the_script_and_have_reasons(table):
    assert table.keys() <= set(_KEYS)
    assert all(reason.strip() for reason in table.values())
