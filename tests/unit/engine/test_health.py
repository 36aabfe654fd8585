# SPDX-License-Identifier: Apache-2.0
"""What a health check is, and what its results make of a status."""

import pytest

from nova_container.engine import ContainerSpec, Health, HealthCheck, Probe, health

IMAGE = {'Healthcheck': {'Test': ['CMD-SHELL', 'of the image'], 'Interval': 7_000_000_000, 'Retries': 9}}


def effective(image=None, **fields):
    return health.effective(ContainerSpec(name='x', image='box', **fields), image or {})


def probe(code, started_at=100.0):
    return Probe(started_at=started_at, ended_at=started_at, exit_code=code)


def test_nothing_is_checked_unless_somebody_says_so():
    assert effective() is None
    assert effective(IMAGE, no_health=True) is None
    assert effective(health=HealthCheck(interval_s=1.0)) is None


def test_what_is_left_open_is_the_image_s_and_then_the_default():
    found = effective(IMAGE, health=HealthCheck(timeout_s=2.0))
    assert (found.test, found.shell, found.interval_s, found.timeout_s, found.retries, found.start_interval_s) == (
        ('of the image',), True, 7.0, 2.0, 9, 5.0)


@pytest.mark.parametrize('fields', [
    None, 'x', {}, {'Test': []}, {'Test': ['NONE']}, {'Test': 'CMD'}, {'Test': ['CMD']}])
def test_a_malformed_check_of_an_image_is_none(fields):
    assert health.parsed(fields) is None


def test_an_own_check_survives_an_image():
    check = effective(health=HealthCheck(test=('a', 'b'), interval_s=1.5))
    assert effective({'Healthcheck': health.fields(check)}) == check


def test_a_line_goes_to_the_shell_of_the_image():
    check = HealthCheck(test=('line',), shell=True)
    assert health.argv(check, {}) == ('/bin/sh', '-c', 'line')
    assert health.argv(check, {'Shell': ['/bin/bash', '-ec']}) == ('/bin/bash', '-ec', 'line')


def test_failures_count_only_in_a_row_and_after_the_start():
    check = effective(health=HealthCheck(test=('x',), retries=2, start_period_s=10.0))
    now = Health(status='starting')
    now = health.after(now, check, probe(1, 105.0), 100.0)
    assert (now.status, now.failing_streak) == ('starting', 0)
    now = health.after(now, check, probe(1, 111.0), 100.0)
    now = health.after(now, check, probe(0, 112.0), 100.0)
    assert (now.status, now.failing_streak) == ('healthy', 0)
    now = health.after(now, check, probe(1, 113.0), 100.0)
    assert now.status == 'healthy'
    assert health.after(now, check, probe(1, 114.0), 100.0).status == 'unhealthy'


def test_five_probes_are_kept():
    now = Health(status='starting')
    for code in range(9):
        now = health.after(now, effective(health=HealthCheck(test=('x',))), probe(code), 0.0)
    assert [each.exit_code for each in now.probes] == [4, 5, 6, 7, 8]
