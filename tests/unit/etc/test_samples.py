# SPDX-License-Identifier: Apache-2.0
"""The samples of configuration are what the code makes of itself today."""

import importlib.metadata
import re
import tempfile
import unittest
from pathlib import Path

from oslo_config import cfg, generator

from nova_container import conf as ours

TOP = Path(__file__).parents[3]
GENERATORS = sorted((TOP / 'etc/config-generator').glob('*.conf'))


def generator_of(path):
    """What a generator's configuration says: where the sample is, and the namespaces that are in it."""
    lines = [line.split(' = ', 1) for line in path.read_text().splitlines() if ' = ' in line]
    return {key: [value for name, value in lines if name == key] for key, _ in lines}


def options_of(namespace):
    """What a namespace lists, by group."""
    point, = (point for point in importlib.metadata.distribution('nova-container').entry_points
              if (point.group, point.name) == ('oslo.config.opts', namespace))
    return point.load()()


class SampleTest(unittest.TestCase):

    def test_each_is_what_the_generator_writes(self):
        for path in GENERATORS:
            with self.subTest(path.name), tempfile.TemporaryDirectory() as folder:
                sample = TOP / generator_of(path)['output_file'][0]
                made = Path(folder, 'sample')
                conf = cfg.ConfigOpts()
                generator.register_cli_opts(conf)
                conf(['--config-file', str(path), '--output-file', str(made)])
                generator.generate(conf)
                self.assertEqual(made.read_text(), sample.read_text(),
                                 f'{sample.name} is not current: oslo-config-generator --config-file {path}')

    def test_every_namespace_of_ours_is_in_one(self):
        offered = {point.name for point in importlib.metadata.distribution('nova-container').entry_points
                   if point.group == 'oslo.config.opts'} - {'nova_container'}  # the one that has all of them
        written = {name for path in GENERATORS for name in generator_of(path)['namespace']}
        self.assertEqual(offered, written)
        self.assertLessEqual({'nova_container.engine', 'nova_container.nova'}, offered)

    def test_every_sample_has_a_generator(self):
        made = {generator_of(path)['output_file'][0] for path in GENERATORS}
        self.assertEqual(made, {str(path.relative_to(TOP)) for path in TOP.glob('etc/*/*.conf.sample')})

    def test_each_default_that_is_shown_can_be_set(self):
        """A default that the file shows but the option would not take misleads."""
        for path in GENERATORS:
            lines = [line[1:] if re.match(r'#\w', line) else line for line in
                     (TOP / generator_of(path)['output_file'][0]).read_text().splitlines() if '<None>' not in line]
            with self.subTest(path.name), tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
                file.write('\n'.join(lines))
                file.flush()
                conf = cfg.ConfigOpts()
                known = [pair for name in generator_of(path)['namespace'] for pair in options_of(name)]
                for group, options in known:
                    conf.register_opts(options, group=group)
                conf([], default_config_files=[file.name])
                for group, options in known:
                    for option in options:
                        self.assertEqual(option.default, conf[getattr(group, 'name', group)][option.dest], option.dest)

    def test_nova_and_the_engine_agree_about_the_socket(self):
        conf = cfg.ConfigOpts()
        ours.register_engine_opts(conf)
        ours.register_container_opts(conf)
        conf([], default_config_files=[])
        self.assertEqual(f'unix://{conf.engine.socket}', conf.container.engine_url)
