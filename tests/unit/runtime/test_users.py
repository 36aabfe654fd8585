# SPDX-License-Identifier: Apache-2.0
"""Users of an image, which may be built to mislead."""

import os
import tempfile
import unittest
from pathlib import Path

from nova_container import errors
from nova_container.runtime import users

PASSWD = '''root:x:0:0:root:/root:/bin/sh
# a comment

www-data:x:33:33::/var/www:/bin/false
web:x:1000:1001::/home/web:/bin/sh
web:x:1:1::/second:/bin/sh
1234:x:7:7::/number:/bin/sh
nohome:x:1002:1002:::
broken:x::5::/broken:/bin/sh
huge:x:4294967296:5::/huge:/bin/sh
short:x:9
'''
GROUP = '''root:x:0:
audio:x:29:web,www-data
web:x:1001:
docker:x:999:web
broken:x:abc:web
'''


class UsersTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.outside = Path(folder.name, 'outside')
        self.rootfs = Path(folder.name, 'rootfs')
        (self.rootfs / 'etc').mkdir(parents=True)
        self.outside.mkdir()
        self.passwd, self.group = self.rootfs / 'etc/passwd', self.rootfs / 'etc/group'
        self.passwd.write_text(PASSWD)
        self.group.write_text(GROUP)

    def resolve(self, user, *groups):
        return users.resolve(str(self.rootfs), user, groups)

    def ids(self, user, *groups):
        found = self.resolve(user, *groups)
        return found.uid, found.gid, found.additional_gids

    def test_no_user_is_root_with_the_home_the_image_gives(self):
        self.assertEqual(users.Identity(uid=0, gid=0, additional_gids=(0,), home='/root', name='root'),
                         self.resolve(''))

    def test_a_name_brings_its_group_further_groups_and_home(self):
        web = users.Identity(uid=1000, gid=1001, additional_gids=(1001, 29, 999), home='/home/web', name='web')
        self.assertEqual(web, self.resolve('web'))

    def test_a_number_with_an_entry_is_as_good_as_its_name(self):
        self.assertEqual(self.resolve('web'), self.resolve('1000'))

    def test_a_number_without_an_entry_is_taken_as_it_is(self):
        self.assertEqual(users.Identity(uid=4711, gid=0, additional_gids=(0,), home='/', name=''), self.resolve('4711'))

    def test_a_number_is_never_a_name(self):
        self.assertEqual((1234, 0, (0,)), self.ids('1234'))

    def test_an_explicit_group_drops_the_further_groups(self):
        self.assertEqual((1000, 29, (29,)), self.ids('web:audio'))
        self.assertEqual((1000, 4711, (4711,)), self.ids('web:4711'))
        self.assertEqual((4711, 999, (999,)), self.ids('4711:docker'))

    def test_added_groups_come_last_and_once(self):
        self.assertEqual((1000, 1001, (1001, 29, 999, 5)), self.ids('web', 'audio', '5', '5', 'web'))

    def test_a_user_without_a_home_lives_at_the_root(self):
        self.assertEqual('/', self.resolve('nohome').home)

    def test_unknown_names_are_refused_in_a_sentence(self):
        with self.assertRaisesRegex(errors.InvalidSpec, "Unable to find user 'nobody': no such name in /etc/passwd"):
            self.resolve('nobody')
        for user, groups in (('web:nogroup', ()), ('web', ('nogroup',)), ('web:a:b', ())):
            with self.assertRaisesRegex(errors.InvalidSpec, 'Unable to find group'):
                self.resolve(user, *groups)

    def test_a_line_without_a_number_never_means_root(self):
        for name in ('broken', 'huge', 'short'):
            with self.assertRaises(errors.InvalidSpec):
                self.resolve(name)

    def test_numbers_out_of_range_are_refused(self):
        for user in ('2147483648', '-1', '0:-5', '0:99999999999'):
            with self.assertRaisesRegex(errors.InvalidSpec, 'out of range'):
                self.resolve(user)

    def test_an_image_without_files_has_numbers_only(self):
        self.passwd.unlink()
        self.group.unlink()
        self.assertEqual((0, 0, (0,)), self.ids(''))
        self.assertEqual((5, 6, (6, 7)), self.ids('5:6', '7'))
        with self.assertRaises(errors.InvalidSpec):
            self.resolve('root')

    def test_a_fifo_does_not_block(self):
        self.passwd.unlink()
        os.mkfifo(self.passwd)
        self.assertEqual((5, 0, (0,)), self.ids('5'))

    def test_a_huge_file_is_refused_without_reading_it(self):
        os.truncate(self.passwd, 2 * 1024 ** 3)
        with self.assertRaisesRegex(errors.InvalidSpec, 'larger than'):
            self.resolve('web')

    def test_a_link_out_of_the_image_stays_in_it(self):
        (self.outside / 'passwd').write_text('evil:x:0:0::/:/bin/sh\n')
        for target in (str(self.outside / 'passwd'), '../../outside/passwd'):
            self.passwd.unlink()
            self.passwd.symlink_to(target)
            with self.assertRaises(errors.InvalidSpec):
                self.resolve('evil')

    def test_a_linked_folder_out_of_the_image_stays_in_it(self):
        (self.outside / 'passwd').write_text('evil:x:0:0::/:/bin/sh\n')
        (self.rootfs / 'etc').rename(self.rootfs / 'etc.old')
        (self.rootfs / 'etc').symlink_to('../../outside')
        with self.assertRaises(errors.InvalidSpec):
            self.resolve('evil')

    def test_a_link_within_the_image_is_followed_as_the_container_would(self):
        store = self.rootfs / 'nix/store'
        store.mkdir(parents=True)
        self.passwd.rename(store / 'passwd')
        for target in ('/nix/store/passwd', '../nix/store/passwd', '../../../../nix/./store//passwd'):
            self.passwd.unlink(missing_ok=True)
            self.passwd.symlink_to(target)
            self.assertEqual(1000, self.resolve('web').uid)

    def test_links_in_a_circle_end(self):
        self.passwd.unlink()
        self.passwd.symlink_to('passwd2')
        (self.rootfs / 'etc/passwd2').symlink_to('passwd')
        self.assertEqual((5, 0, (0,)), self.ids('5'))

    def test_an_open_folder_serves_as_well(self):
        root = os.open(self.rootfs, os.O_PATH | os.O_DIRECTORY)
        self.addCleanup(os.close, root)
        self.assertEqual(self.resolve('web'), users.resolve(root, 'web', ()))

    def test_no_descriptor_is_left_open(self):
        before = len(os.listdir('/proc/self/fd'))
        self.test_links_in_a_circle_end()
        self.resolve('')
        self.assertEqual(before, len(os.listdir('/proc/self/fd')))

    def test_a_missing_root_is_a_failure_of_the_host(self):
        with self.assertRaises(errors.HostFailure):
            users.resolve(str(self.rootfs / 'none'), '0', ())
