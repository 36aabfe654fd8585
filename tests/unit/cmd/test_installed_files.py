# SPDX-License-Identifier: Apache-2.0
"""What is installed below /etc agrees with the code."""

import configparser
import unittest
from pathlib import Path

from oslo_config import cfg

from nova_container import conf as options

ETC = Path(__file__).parents[3] / 'etc'


def shown_default(option):
    if isinstance(option.default, list):
        return ','.join(option.default)
    return '<None>' if option.default is None else str(option.default)


class SampleTest(unittest.TestCase):

    def setUp(self):
        self.lines = (ETC / 'nova-container/engine.conf.sample').read_text().splitlines()

    def test_every_option_of_the_engine_is_there_with_its_default(self):
        shown = dict(line[1:].split(' = ', 1) for line in self.lines if line.startswith('#') and ' = ' in line)
        expected = {option.dest: shown_default(option) for option in options.ENGINE_OPTS}
        self.assertEqual(expected, shown)

    def test_every_option_says_what_it_is_for(self):
        text = ' '.join(line.lstrip('# ') for line in self.lines)
        for option in options.ENGINE_OPTS:
            self.assertIn(option.help, text, option.dest)

    def test_it_can_be_read(self):
        conf = cfg.ConfigOpts()
        options.register_engine_opts(conf)
        conf([], default_config_files=[str(ETC / 'nova-container/engine.conf.sample')])
        self.assertEqual('crun', conf.engine.runtime)


class ServiceTest(unittest.TestCase):

    def test_containers_outlive_the_engine(self):
        unit = configparser.ConfigParser(interpolation=None)
        unit.optionxform = str
        unit.read(ETC / 'systemd/nova-container-engine.service')
        service = unit['Service']
        for name, value in (('Type', 'notify'), ('KillMode', 'process'), ('Restart', 'on-failure'),
                            ('OOMScoreAdjust', '-500'), ('LimitNOFILE', '1048576'), ('TasksMax', 'infinity'),
                            ('Delegate', 'yes'), ('RuntimeDirectoryPreserve', 'yes')):
            self.assertEqual(value, service[name], name)
