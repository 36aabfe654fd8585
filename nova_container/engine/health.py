# SPDX-License-Identifier: Apache-2.0
"""Health checks by Docker's rules (moby ``daemon/health.go``): what is run, and what its results mean. Pure."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from nova_container.engine.spec import ContainerSpec, HealthCheck
from nova_container.engine.state import Health, Probe

STARTING, HEALTHY, UNHEALTHY = 'starting', 'healthy', 'unhealthy'
OUTPUT_BYTES = 4096
_KEPT = 5
_NANOSECONDS = 1e9
_DEFAULTS = HealthCheck(test=(), interval_s=30.0, timeout_s=30.0, start_period_s=0.0, start_interval_s=5.0, retries=3)


def effective(spec: ContainerSpec, image: Mapping[str, Any]) -> HealthCheck | None:
    """The check that runs, with every field set; None if there is none.

    ``image`` is the image's configuration: what the spec leaves open is its own, then Docker's default.
    """
    own = spec.health or HealthCheck(test=())
    of_image = parsed(image.get('Healthcheck'))
    if spec.no_health or not (own.test or (of_image and of_image.test)):
        return None
    layers = (own, of_image or HealthCheck(test=()), _DEFAULTS)
    names = ('interval_s', 'timeout_s', 'start_period_s', 'start_interval_s', 'retries')
    chosen = {name: next(value for layer in layers if (value := getattr(layer, name)) is not None) for name in names}
    tested = own if own.test else of_image or own
    return HealthCheck(test=tested.test, shell=tested.shell, **chosen)


def parsed(fields: object) -> HealthCheck | None:
    """``Healthcheck`` of an image's configuration; None if it has none, or it is malformed."""
    if not isinstance(fields, Mapping) or not isinstance(test := fields.get('Test'), list) or not test:
        return None
    kind, *words = map(str, test)
    if kind not in ('CMD', 'CMD-SHELL') or not words:
        return None

    def seconds(name: str) -> float | None:
        value = fields.get(name)
        return value / _NANOSECONDS if isinstance(value, int) and value > 0 else None

    retries = fields.get('Retries')
    return HealthCheck(test=tuple(words), shell=kind == 'CMD-SHELL', interval_s=seconds('Interval'),
                       timeout_s=seconds('Timeout'), start_period_s=seconds('StartPeriod'),
                       start_interval_s=seconds('StartInterval'),
                       retries=retries if isinstance(retries, int) and retries > 0 else None)


def fields(check: HealthCheck) -> dict[str, object]:
    """``Healthcheck`` of an image's configuration, which ``parsed`` takes."""
    times = {'Interval': check.interval_s, 'Timeout': check.timeout_s, 'StartPeriod': check.start_period_s,
             'StartInterval': check.start_interval_s}
    found: dict[str, object] = {name: round(seconds * _NANOSECONDS) for name, seconds in times.items() if seconds}
    return {'Test': ['CMD-SHELL' if check.shell else 'CMD', *check.test], 'Retries': check.retries or 0, **found}


def argv(check: HealthCheck, image: Mapping[str, Any]) -> tuple[str, ...]:
    """The command line; one for the shell is given to the image's, or to /bin/sh."""
    if not check.shell:
        return check.test
    shell = image.get('Shell')
    return (*(map(str, shell) if isinstance(shell, list) and shell else ('/bin/sh', '-c')), *check.test)


def pause_s(check: HealthCheck, health: Health, age_s: float) -> float:
    """How long to wait before the next probe of a container that runs for ``age_s``."""
    begins = health.status == STARTING and age_s < (check.start_period_s or 0)
    return (check.start_interval_s if begins else check.interval_s) or _DEFAULTS.interval_s or 0


def after(health: Health, check: HealthCheck, probe: Probe, started_at: float) -> Health:
    """The health of a container, started at ``started_at``, after a further probe."""
    probes = (*health.probes, probe)[-_KEPT:]
    if probe.exit_code == 0:
        return Health(status=HEALTHY, probes=probes)
    if health.status == STARTING and probe.started_at - started_at < (check.start_period_s or 0):
        return dataclasses.replace(health, probes=probes)
    streak = health.failing_streak + 1
    failed = streak >= (check.retries or 1)
    return Health(status=UNHEALTHY if failed else health.status, failing_streak=streak, probes=probes)


def too_late(check: HealthCheck) -> str:
    """What a probe that was killed is said to have said."""
    return f'Health check exceeded timeout ({check.timeout_s:g}s)'
