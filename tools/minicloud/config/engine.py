# SPDX-License-Identifier: Apache-2.0
"""engine.ini, the file of this project's own container engine."""

from tools.minicloud import instance
from tools.minicloud.config import ini


def container_engine(cloud: instance.Instance) -> ini.Sections:
    """State, sockets and log in the folder."""
    return {'engine': {
        'state_dir': cloud.path('data', 'engine'),
        'run_dir': cloud.path('run', 'engine'),
        'socket': cloud.path('run', 'engine.sock'),
        'log_file': cloud.path('logs', 'engine.log')}}
