# SPDX-License-Identifier: Apache-2.0
"""Mistakes of tenants and operators, and the sentences that answer them."""

import unittest

from nova_container import errors
from nova_container.virt.translate import flavor, image, metadata, userdata
from tests.unit.virt import servers

POLICY = flavor.Policy(allowed_sysctls=('net.*',))


def encoded(text):
    return servers.an_instance(user_data=text).user_data


class MistakeTest(unittest.TestCase):

    def assert_mistakes(self, act, cases):
        for given, sentence in cases:
            with self.subTest(given=str(given)[:60]):
                with self.assertRaisesRegex(errors.InvalidSpec, sentence) as caught:
                    act(given)
                self.assertLessEqual(len(str(caught.exception)), 160)

    def test_in_metadata(self):
        self.assert_mistakes(metadata.wish, [
            ({'container:comand': 'x'}, 'Metadata container:comand is not known; after container: there may be'),
            ({'container:command': 'say "hello'}, 'quote it as for a shell'),
            ({'container:command': '["a", 1]'}, 'a list of texts'),
            ({'container:command': '["a"'}, 'not a JSON array'),
            ({'container:workdir': 'srv'}, 'absolute path'),
            ({'container:tty': 'perhaps'}, 'true or false'),
            ({'container:user': ' '}, 'not empty'),
            ({'container:env:': 'x'}, 'cannot name an environment variable'),
            ({'container:env:A=B': 'x'}, 'cannot name an environment variable'),
            ({'container:env:A': 'x\0y'}, 'must be text'),
            ({'container:stop_signal': 'STOP IT'}, 'as SIGTERM'),
            ({'container:stop_timeout': '-1'}, 'is not between 0 and 3600'),
        ])

    def test_in_user_data(self):
        def wish(text):
            return userdata.wish(encoded(text))
        self.assert_mistakes(wish, [
            ('#container-config\ncommand: [a\n', 'not YAML: .* in line'),
            ('#container-config\n- a\n', 'KEY: VALUE'),
            ('#container-config\nimage: x\n', "'image' is not known; there may be entrypoint"),
            ('#container-config\n1: x\n', "'1' is not known"),
            ('#container-config\ncommand: {a: b}\n', 'a list of texts'),
            ('#container-config\ncommand: 1\n', 'give text'),
            ('#container-config\nenv: text\n', 'NAME: VALUE'),
            ('#container-config\nenv: [A]\n', 'NAME=VALUE'),
            ('#container-config\nenv: {A: [b]}\n', 'the value of A must be text'),
            ('#container-config\ntty: 3\n', 'true or false'),
            ('#container-config\nuser: !!python/object/apply:os.system [id]\n', 'not YAML'),
            ('#container-config\n' + '[' * 3000, 'not YAML'),
        ])

    def test_in_extra_specs(self):
        def build(extra):
            made = servers.a_flavor(**extra)
            flavor.check(made)
            flavor.resources(made, POLICY)
            flavor.security(made)
            flavor.sysctls(made, POLICY)
            flavor.ulimits(made)
            flavor.devices(made)
            flavor.shm_bytes(made)
            flavor.init(made)
        self.assert_mistakes(build, [
            ({'container:privileged': 'true'}, 'is not known'),
            ({'container:cap_add': 'ALL'}, 'name each'),
            ({'container:cap_add': 'x;y'}, 'is no capability'),
            ({'container:sysctl:kernel.panic': '1'}, 'allowed_sysctls'),
            ({'container:ulimit:files': '1'}, 'not known'),
            ({'container:ulimit:nofile': 'many'}, 'whole number'),
            ({'container:shm_size_mb': '0'}, 'not between'),
            ({'container:pids_limit': '0'}, 'not between'),
            ({'container:devices': '/etc/passwd'}, 'is not /dev/NAME'),
            ({'container:devices': '/dev/../etc/passwd'}, 'is not /dev/NAME'),
            ({'container:seccomp': 'off'}, 'default or unconfined'),
            ({'quota:cpu_period': '10'}, 'not between'),
        ])

    def test_of_an_image(self):
        self.assert_mistakes(image.wish, [('say "hello', 'os_command_line')])
        for formats in (('bare', 'qcow2'), ('ami', 'raw'), (None, None), ('docker', 'iso')):
            with self.assertRaisesRegex(errors.UnacceptableImage, '--disk-format raw'):
                image.check_formats(*formats)


class UserDataTest(unittest.TestCase):

    def test_what_is_not_for_us_is_left_alone(self):
        for text in (None, '#cloud-config\nusers: []\n', '#!/bin/sh\nfalse\n', '', '# container-config\nx: y\n'):
            self.assertEqual(userdata.metadata.process.ProcessWish(), userdata.wish(encoded(text)))
        self.assertEqual(userdata.metadata.process.ProcessWish(), userdata.wish('this is no base64!'))
        self.assertEqual(userdata.metadata.process.ProcessWish(), userdata.wish('//79/A=='))

    def test_an_empty_document_says_nothing(self):
        self.assertEqual(userdata.metadata.process.ProcessWish(), userdata.wish(encoded('#container-config\n')))

    def test_lines_that_end_as_on_windows_are_understood(self):
        self.assertEqual('web', userdata.wish(encoded('#container-config\r\nuser: web\r\n')).user)

    def test_an_environment_may_be_a_list(self):
        self.assertEqual({'A': 'b=c', 'D': ''}, userdata.wish(encoded('#container-config\nenv: [A=b=c, D=]\n')).env)

    def test_a_command_longer_than_metadata_takes_fits(self):
        words = userdata.wish(encoded(f'#container-config\ncommand: [echo, {"x" * 5000}]\n')).command
        self.assertEqual(5000, len(words[1]))


class ImageTest(unittest.TestCase):

    def test_a_reference_is_by_id_and_content(self):
        shown = {'id': servers.IMAGE_ID, 'properties': {'os_hash_value': 'ab' * 64, 'os_hash_algo': 'sha512'}}
        found = image.glance_image(shown)
        self.assertEqual(f'glance/{servers.IMAGE_ID}:{"ab" * 16}', found.reference)
        self.assertEqual(servers.IMAGE_ID, image.image_id(found.reference))

    def test_references_of_others_have_no_glance_id(self):
        self.assertIsNone(image.image_id('debian:12'))
        self.assertIsNone(image.image_id('example.com/glance/x:1'))
