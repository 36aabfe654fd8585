# SPDX-License-Identifier: Apache-2.0
"""What nova-compute and the engine said during the session: no error that nobody expected."""

import re

import pytest

from tests.cloud import host as hosts

EXPECTED = {
    'nova-compute': {
        r"Could not load 'oslo_cache\.": 'optional drivers of oslo.cache, whose libraries are not installed',
        r'should supply either an interval or periodic_interval_max':
            'nova.service stops its periodic tasks at a restart; oslo.service takes their missing answer for an error',
        r'AMQP server .*(unreachable|ECONNREFUSED|Connection reset)': 'a killed service leaves its connections broken',
    },
    'engine': {},
}
OF_A_TEST = {
    'nova-compute': {
        r'nova\.exception\.(InvalidInput|ImageUnacceptable|BuildAbortException)': 'servers that are asked for wrong',
        r'cannot be rescued|Error trying to Rescue': 'test_refused_for_good',
        r'NotImplementedError': 'test_refusals',
        r'The container engine (does not answer|failed)|Connection (aborted|refused)': 'test_interrupted',
    },
    'engine': {},
}


@pytest.mark.parametrize('service', EXPECTED)
def test_there_is_no_unexpected_error(service, host, log_offsets):
    known = [re.compile(pattern) for pattern in (*EXPECTED[service], *OF_A_TEST[service])]
    errors = [entry for entry in hosts.entries(host.log_since(service, log_offsets.get(service, 0)))
              if ' ERROR ' in entry or 'Traceback (most recent call last)' in entry]
    unexpected = [entry[-1500:] for entry in errors if not any(pattern.search(entry) for pattern in known)]
    assert unexpected == [], '\n\n'.join(unexpected)
