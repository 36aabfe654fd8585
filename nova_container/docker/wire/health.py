# SPDX-License-Identifier: Apache-2.0
"""Health checks and their results <-> Config.Healthcheck and State.Health."""

from nova_container import errors
from nova_container.docker.wire import fields, units
from nova_container.docker.wire.document import Document, Json, without_none
from nova_container.engine.spec import HealthCheck
from nova_container.engine.state import Health, Probe

_NONE = ('NONE',)
_TIMES = {'Interval': 'interval_s', 'Timeout': 'timeout_s', 'StartPeriod': 'start_period_s',
          'StartInterval': 'start_interval_s'}
_NANOSECONDS = 1_000_000_000


def check_body(check: HealthCheck | None, *, none: bool) -> Json | None:
    """``Healthcheck``; None says nothing, and so leaves it to the image."""
    if none:
        return {'Test': list(_NONE)}
    if check is None:
        return None
    test = ['CMD-SHELL' if check.shell else 'CMD', *check.test] if check.test else None
    times = {name: None if (seconds := getattr(check, field)) is None else round(seconds * _NANOSECONDS) or None
             for name, field in _TIMES.items()}
    return without_none({'Test': test, 'Retries': check.retries, **times})


def check_of(config: Document) -> HealthCheck | None:
    """The check that a Config asks for; None if it says nothing, or that there is to be none.

    :raises InvalidSpec: it is malformed.  :raises Unsupported: a field that nobody knows.
    """
    body = config.document('Healthcheck')
    fields.check(body, fields.HEALTH)
    test = body.texts('Test')
    if test == _NONE or not body.fields:
        return None
    if test and (test[0] not in ('CMD', 'CMD-SHELL') or len(test) < 2):
        raise errors.InvalidSpec(f'{body.path("Test")} must be NONE, or CMD or CMD-SHELL and a command')
    times = {field: None if (count := body.positive(name)) is None else count / _NANOSECONDS
             for name, field in _TIMES.items()}
    found = HealthCheck(test=test[1:], shell=test[:1] == ('CMD-SHELL',), retries=body.positive('Retries'), **times)
    return None if found == HealthCheck() else found


def is_none(config: Document) -> bool:
    """Whether it says that there is to be no check."""
    return config.document('Healthcheck').texts('Test') == _NONE


def health_body(health: Health) -> Json:
    """``State.Health``."""
    return {'Status': health.status, 'FailingStreak': health.failing_streak, 'Log': [
        {'Start': units.timestamp_of(probe.started_at), 'End': units.timestamp_of(probe.ended_at),
         'ExitCode': probe.exit_code, 'Output': probe.output} for probe in health.probes]}


def health_of(now: Document) -> Health | None:
    """The health in a ``State``; None if it has none."""
    body = now.document('Health')
    if body.text('Status') in ('', 'none'):
        return None
    return Health(status=body.text('Status'), failing_streak=body.integer('FailingStreak') or 0, probes=tuple(
        Probe(started_at=units.seconds_of(item.text('Start')) or 0.0,
              ended_at=units.seconds_of(item.text('End')) or 0.0,
              exit_code=item.integer('ExitCode') or 0, output=item.text('Output')) for item in body.documents('Log')))
