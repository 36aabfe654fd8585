# SPDX-License-Identifier: Apache-2.0
"""glance_store's own functional tests, on both back ends: a directory, and a registry with TLS and a password."""

import shutil
import tempfile
from pathlib import Path
from unittest import mock

from glance_store import backend
from glance_store.tests.functional import base
from oslo_config import cfg

from tests.fixtures.registry import PASSWORD, make_certificates, running_registry

CONF = cfg.CONF
_CLOUD = 'clouds: {devstack-admin: {auth: {username: u, password: p, project_name: p, user_domain_id: default, ' \
         'project_domain_id: default, auth_url: "http://127.0.0.1:1/v3"}}}\n'


class OwnTests(base.BaseFunctionalTests):
    """The tests as they are. They read a cloud's address, which no test of a store without one asks."""

    def __init__(self, *args, **kwargs):
        with tempfile.NamedTemporaryFile('w', suffix='.yaml') as file:
            file.write(_CLOUD)
            file.flush()
            with mock.patch.dict('os.environ', OS_CLIENT_CONFIG_FILE=file.name):
                super().__init__('container', *args, **kwargs)

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix='glance_store_'))
        self.addCleanup(shutil.rmtree, self.folder)
        [default] = (option for option in backend._STORE_OPTS if option.name == 'default_store')
        # Only glance_store's own drivers are accepted there; these tests set it, but use the driver directly.
        patched = mock.patch.dict(default.type.choices, container=None)
        patched.start()
        self.addCleanup(patched.stop)
        for name, value in self.options().items():
            CONF.register_opts([option for option in self.all_options() if option.name == name], group='glance_store')
            CONF.set_override(name, value, group='glance_store')
            self.addCleanup(CONF.clear_override, name, group='glance_store')
        super().setUp()
        for name in ('stores', 'default_store'):
            self.addCleanup(CONF.clear_override, name, group='glance_store')

    @staticmethod
    def all_options():
        return backend._load_store(CONF, 'container', invoke_load=False).OPTIONS


class TestDirectory(OwnTests):
    def options(self):
        return {'container_store_directory': str(self.folder / 'images'), 'container_store_registry': None}


class TestRegistry(OwnTests):
    def options(self):
        certificates = make_certificates(self.folder / 'made')
        running = running_registry(password=True, certificates=certificates)
        domain = running.__enter__()
        self.addCleanup(running.__exit__, None, None, None)
        trusted = self.folder / 'certs.d' / domain
        trusted.mkdir(parents=True)
        shutil.copy(certificates / 'ca.crt', trusted)
        return {'container_store_directory': str(self.folder / 'spool'), 'container_store_registry': domain,
                'container_store_username': PASSWORD[0], 'container_store_password': PASSWORD[1],
                'container_store_certificates': [str(self.folder / 'certs.d')]}


del OwnTests
