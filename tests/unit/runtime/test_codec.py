# SPDX-License-Identifier: Apache-2.0
"""Frozen values to JSON and back: nothing is lost, what is damaged is named."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine.state import ExitInfo
from nova_container.runtime import codec
from nova_container.runtime.records import ContainerRecord, Phase

TEXT = some.text(max_size=20)
WORDS = some.lists(TEXT, max_size=4).map(tuple)
NUMBER = some.integers(-2 ** 63, 2 ** 63)
MAYBE = some.none() | NUMBER
FLAG = some.booleans()
MAPPING = some.dictionaries(TEXT, TEXT, max_size=3)

PROCESSES = some.builds(
    specs.ProcessSpec, entrypoint=some.none() | WORDS, command=some.none() | WORDS, env=WORDS, cwd=some.none() | TEXT,
    user=some.none() | TEXT, tty=FLAG, open_stdin=FLAG, stop_signal=some.none() | TEXT, stop_timeout_s=MAYBE)
THROTTLES = some.lists(some.builds(specs.Throttle, device=TEXT, rate=NUMBER), max_size=2).map(tuple)
RESOURCES = some.builds(
    specs.Resources, memory_bytes=MAYBE, memory_swap_bytes=MAYBE, oom_kill_disable=FLAG, cpu_shares=MAYBE,
    cpuset_cpus=some.none() | TEXT, pids_limit=MAYBE, read_bps=THROTTLES, write_iops=THROTTLES)
MOUNTS = some.builds(specs.Mount, kind=some.sampled_from(specs.MountKind), target=TEXT, source=TEXT, read_only=FLAG,
                     size_bytes=MAYBE, mode=MAYBE, options=WORDS)
NETWORKS = some.builds(specs.NetworkSpec, mode=some.sampled_from(specs.NetworkMode), container=some.none() | TEXT,
                       dns=WORDS, extra_hosts=WORDS)
SECURITIES = some.builds(specs.Security, privileged=FLAG, cap_add=WORDS, masked_paths=some.none() | WORDS)
SPECS = some.builds(
    specs.ContainerSpec, name=TEXT, image=TEXT, process=PROCESSES, resources=RESOURCES,
    mounts=some.lists(MOUNTS, max_size=2).map(tuple), security=SECURITIES, network=NETWORKS,
    restart=some.builds(specs.RestartPolicy, name=TEXT, maximum_retries=NUMBER),
    log=some.builds(specs.LogLimits, file_bytes=NUMBER, files=NUMBER), labels=MAPPING, sysctls=MAPPING,
    devices=some.lists(some.builds(specs.Device, path_on_host=TEXT, path_in_container=TEXT), max_size=2).map(tuple),
    ulimits=some.lists(some.builds(specs.Ulimit, name=TEXT, soft=NUMBER, hard=NUMBER), max_size=2).map(tuple),
    init=some.none() | FLAG, auto_remove=FLAG)


@given(SPECS)
@settings(deadline=None)
def test_a_spec_comes_back_as_it_was(spec):
    text = codec.encode(spec)
    assert '\n' not in text
    assert codec.decode(specs.ContainerSpec, text) == spec


@given(some.builds(
    ContainerRecord, id=TEXT, spec=SPECS, image_id=TEXT, diff_ids=WORDS, phase=some.sampled_from(Phase), pid=MAYBE,
    created_at=some.floats(allow_nan=False), started_at=some.none() | some.floats(allow_nan=False),
    exit=some.none() | some.builds(ExitInfo, code=NUMBER, oom_killed=FLAG, error=TEXT), stop_wanted=FLAG))
@settings(deadline=None, max_examples=50)
def test_a_record_comes_back_as_it_was(record):
    assert codec.decode(ContainerRecord, codec.encode(record)) == record


def test_what_an_older_version_did_not_write_takes_its_default():
    assert codec.decode(specs.RestartPolicy, '{"name": "always"}') == specs.RestartPolicy(name='always')


def test_what_a_newer_version_wrote_besides_is_passed_over():
    assert codec.decode(specs.RestartPolicy, '{"name": "always", "moon": 1}') == specs.RestartPolicy(name='always')


@pytest.mark.parametrize('text', [
    '', '{', 'null and void', '[]', '1', '"text"', '{}', '{"name": "x"}',
    '{"name": "x", "image": "y", "network": {"mode": "moon"}}', '{"name": "x", "image": "y", "mounts": 3}'])
def test_damage_is_named(text):
    with pytest.raises(errors.Corrupt, match='A record of ContainerSpec cannot be read'):
        codec.decode(specs.ContainerSpec, text)


def test_every_field_of_a_spec_is_written():
    written = json.loads(codec.encode(specs.ContainerSpec(name='n', image='i')))
    assert set(written) == {field.name for field in dataclasses.fields(specs.ContainerSpec)}
