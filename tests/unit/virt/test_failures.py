# SPDX-License-Identifier: Apache-2.0
"""Whose fault an error is decides what Nova does, and what a tenant reads is short."""

import unittest

from nova import exception

from nova_container import errors
from nova_container.virt import failures
from tests.unit.virt import servers

ABORTS = (exception.InvalidInput, exception.ImageUnacceptable)


def every_class(base=errors.ContainerError):
    yield base
    for one in base.__subclasses__():
        yield from every_class(one)


def made(error_class):
    arguments = {errors.CommandFailed: (['/usr/bin/crun'], 1, 'x' * 900),
                 errors.DigestMismatch: ('layer', 'a' * 64, 'b' * 64)}
    return error_class(*arguments.get(error_class, ('x' * 900,)))


class TableTest(unittest.TestCase):

    def test_every_error_of_ours_becomes_one_of_novas_with_room_to_spare(self):
        instance = servers.an_instance()
        for error_class in every_class():
            with self.subTest(error=error_class.__name__):
                found = failures.translated(instance, made(error_class))
                self.assertIsInstance(found, exception.NovaException | NotImplementedError)
                self.assertLessEqual(len(str(found)), 255)

    def test_a_fault_of_the_user_in_a_build_fits_into_what_nova_shows(self):
        instance = servers.an_instance()
        for error_class in (errors.InvalidSpec, errors.UnacceptableImage, errors.DigestMismatch):
            found = failures.translated(instance, made(error_class))
            self.assertLessEqual(len(f'Build of instance {instance.uuid} aborted: {found}'), 255)

    def test_a_fault_of_the_user_aborts_the_build_and_one_of_the_host_does_not(self):
        instance = servers.an_instance()
        for error_class in every_class():
            with self.subTest(error=error_class.__name__):
                found = failures.translated(instance, made(error_class))
                users = issubclass(error_class, errors.InvalidRequest | errors.DigestMismatch)
                self.assertEqual(users, isinstance(found, ABORTS))

    def test_no_room_sends_the_server_to_another_host(self):
        found = failures.translated(servers.an_instance(), errors.Exhausted('no disk'))
        self.assertIsInstance(found, exception.ComputeResourcesUnavailable)

    def test_what_the_engine_cannot_do_is_not_implemented(self):
        with self.assertRaises(NotImplementedError), failures.as_nova(servers.an_instance()):
            raise errors.Unsupported('this engine has no pause')

    def test_errors_of_others_pass(self):
        with self.assertRaises(KeyError), failures.as_nova(servers.an_instance()):
            raise KeyError('x')
