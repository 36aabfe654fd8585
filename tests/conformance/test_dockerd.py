# SPDX-License-Identifier: Apache-2.0
"""A real Docker Engine, through our client of its API."""

import pytest

from tests.conformance import presence
from tests.conformance.dockerd import running_dockerd
from tests.conformance.engine_suite import EngineSuite


@pytest.fixture(scope='module')
def engine():
    client_module = presence.require_module('nova_container.docker.engine')
    with running_dockerd() as url:
        client = client_module.DockerEngine(url)
        yield client
        client.close()


@pytest.fixture
def engine_is_real():
    return True


@pytest.mark.root
@pytest.mark.dockerd
class TestDockerEngine(EngineSuite):
    cannot = {
        'test_the_built_in_networks_are_there': 'this dockerd is run without a bridge of its own',
        'test_a_built_in_network_stays[bridge]': 'this dockerd is run without a bridge of its own',
        'test_the_default_network_is_the_bridge': 'this dockerd is run without a bridge of its own',
        'test_stop_sends_another_signal_if_asked': 'Docker takes a signal for stop since API 1.42',
        'test_annotations_are_kept': 'Docker has annotations since API 1.43',
        'test_one_who_does_not_run_cannot_be_joined': 'Docker answers 500, as if the host had failed',
        'test_a_program_that_cannot_run_ends_as_in_a_shell[no-such-program-127]': 'Docker before 23 says 126',
        'test_a_user_the_image_does_not_know_is_an_invalid_request': 'Docker answers 500, as if the host had failed',
        'test_a_saved_archive_is_docker_save_and_oci_layout': 'docker save writes an OCI layout since Docker 25 only',
        'test_an_oci_layout_is_loaded': 'docker load takes an OCI layout since Docker 25 only',
    }
