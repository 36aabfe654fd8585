# SPDX-License-Identifier: Apache-2.0
"""What is encoded is decoded to the same value, through JSON."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nova_container.docker import frames
from nova_container.docker.wire import (
    container, events, execs, files, images, inspection, networks, stats, system, units, volumes)
from nova_container.engine import StreamName
from tests.unit.docker import strategies

quickly = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def through_json(value):
    return json.loads(json.dumps(value))


@quickly
@given(strategies.containers)
def test_a_spec_survives_a_create_request(spec):
    assert container.requested_spec(spec.name, through_json(container.create_body(spec))) == spec


@quickly
@given(strategies.container_infos)
def test_a_container_survives_inspect(info):
    assert inspection.info_of(through_json(inspection.inspect_body(info, ('sh',), 'overlay'))) == info


@quickly
@given(strategies.wanted_networks)
def test_a_network_survives_a_create_request(network):
    assert networks.wanted_of(through_json(networks.create_body(network))) == network


@quickly
@given(strategies.network_infos)
def test_a_network_survives_inspect(info):
    assert networks.info_of(through_json(networks.info_body(info))) == info


@quickly
@given(strategies.endpoints)
def test_an_endpoint_survives_a_connect_request(endpoint):
    assert networks.connect_of(endpoint.network, through_json(networks.connect_body('c', endpoint))) == ('c', endpoint)


@quickly
@given(strategies.resources, st.none() | strategies.restart)
def test_limits_survive_an_update(resources, restart):
    body = through_json(container.update_body(resources, restart))
    body.pop('StorageOpt', None)
    found, found_restart = container.update_of(body)
    assert container.update_body(found, found_restart) == body


@quickly
@given(strategies.volume_infos)
def test_a_volume_survives(info):
    assert volumes.volume_of(through_json(volumes.volume_body(info, counted=True))) == info
    assert volumes.requested_volume(through_json(volumes.create_body(info.spec))) == info.spec


@quickly
@given(strategies.execs)
def test_an_exec_survives_its_request(spec):
    assert execs.exec_of(through_json(execs.exec_body(spec))) == spec


@quickly
@given(strategies.exec_infos)
def test_an_exec_survives_inspect(info):
    assert execs.exec_info_of(through_json(execs.exec_inspect_body(info))) == info


@quickly
@given(strategies.usages)
def test_usage_survives_stats(usage):
    assert stats.usage_of(through_json(stats.stats_body('id', 'name', usage, None, 1 << 40))) == usage


@quickly
@given(strategies.images)
def test_an_image_survives_inspect(info):
    assert images.image_of(through_json(images.image_body(info))) == info


@quickly
@given(strategies.events)
def test_an_event_survives(event):
    assert events.event_of(through_json(events.event_body(event))) == event


@quickly
@given(strategies.engine_infos)
def test_the_engine_survives_info(info):
    assert system.engine_info_of(through_json(system.info_body(info, 0.0))) == info


@quickly
@given(strategies.file_stats)
def test_a_file_survives_the_header(found):
    assert files.stat_of(files.stat_header(found)) == found


@quickly
@given(strategies.changes)
def test_changes_survive(changes):
    assert files.changes_of(through_json(files.changes_body(changes))) == changes


@quickly
@given(st.floats(0, 4e9, allow_nan=False).filter(lambda seconds: seconds == 0 or seconds > 1e-3))
def test_a_time_survives(seconds):
    assert abs(units.seconds_of(units.timestamp_of(seconds)) - seconds) < 1e-8


@quickly
@given(st.lists(st.tuples(st.sampled_from(StreamName), st.binary(max_size=50))), st.integers(1, 20))
def test_frames_survive_whatever_pieces_they_come_in(written, size):
    content = b''.join(frames.encode(stream, data) for stream, data in written)
    decoder = frames.Decoder()
    read = [frame for start in range(0, len(content), size) for frame in decoder.feed(content[start:start + size])]
    assert read == written
