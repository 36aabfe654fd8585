# SPDX-License-Identifier: Apache-2.0
"""The breakout corpus of containerd (pkg/archive/tar_test.go), rebuilt from its names.

Each tar is unpacked without the chroot, beside a decoy that a mistake would change, and once more by the child.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nova_container import errors
from nova_container.image import unpack
from tests.fixtures import children
from tests.functional.image.tars import LIMITS, Tar, listing, unpack_into

T = b'in the image'

# Name of the case: the tar, and what the root must hold afterwards (path: content).
CONTAINED: dict[str, tuple[Tar, dict[str, bytes]]] = {
    'SymlinkAbsolute': (Tar().dir('etc').symlink('/etc', 'localetc').file('localetc/unbroken', T), {'etc/unbroken': T}),
    'SymlinkUpAndOut': (Tar().dir('etc').dir('dummy').symlink('/dummy/../etc', 'localetc').file('localetc/unbroken', T),
                        {'etc/unbroken': T}),
    'SymlinkMultipleAbsolute': (Tar().dir('etc').dir('dummy').symlink('/etc', 'dummy/etc')
                                .symlink('/dummy/etc', 'localetc').file('localetc/unbroken', T), {'etc/unbroken': T}),
    'SymlinkMultipleRelative': (Tar().dir('etc').dir('dummy').symlink('/etc', 'dummy/etc')
                                .symlink('./dummy/etc', 'localetc').file('localetc/unbroken', T), {'etc/unbroken': T}),
    'SymlinkEmptyFile': (Tar().dir('etc').file('etc/emptied', b'full').symlink('/etc', 'localetc')
                         .file('localetc/emptied', b''), {'etc/emptied': b''}),
    'SymlinkRelative': (Tar().dir('etc').symlink('../../../../etc', 'localetc').file('localetc/unbroken', T),
                        {'etc/unbroken': T}),
    'SymlinkDownAndOut': (Tar().dir('etc').dir('deep').symlink('../../../../etc', 'deep/localetc')
                          .file('deep/localetc/unbroken', T), {'etc/unbroken': T}),
    'SymlinkParentDirectory': (Tar().dir('etc').symlink('..', 'etc/up').file('etc/up/unbroken', T), {'unbroken': T}),
    'SymlinkParentRelative': (Tar().dir('etc').dir('etc/sub').symlink('etc', 'localetc')
                              .symlink('/localetc/sub/..', 'l').file('l/unbroken', T), {'etc/unbroken': T}),
    'SymlinkSlashEnded': (Tar().dir('etc').symlink('etc/', 'localetc').file('localetc/unbroken', T),
                          {'etc/unbroken': T}),
    'SymlinkDangling': (Tar().symlink('/nowhere/at/all', 'l').file('l/unbroken', T), {'nowhere/at/all/unbroken': T}),
    'SymlinkOverrideDirectory': (Tar().dir('etc').dir('l').file('l/old').symlink('/etc', 'l').file('l/unbroken', T),
                                 {'etc/unbroken': T}),
    'SymlinkOverrideDirectoryRelative': (Tar().dir('etc').dir('l').symlink('../../etc', 'l').file('l/unbroken', T),
                                         {'etc/unbroken': T}),
    'DirectoryOverrideSymlink': (Tar().dir('etc').symlink('/etc', 'l').dir('l').file('l/f', T), {'l/f': T}),
    'DirectoryOverrideRelativeSymlink': (Tar().dir('etc').symlink('../../../etc', 'l').dir('l').file('l/f', T),
                                         {'l/f': T}),
    'DirectoryOverrideSymlinkAndHardlink': (Tar().dir('etc').symlink('etc', 'l').hardlink('l', 'h').dir('h')
                                            .file('h/f', T), {'h/f': T}),
    'FileOverridesSymlink': (Tar().dir('etc').file('etc/f', b'old').symlink('/etc/f', 'l').file('l', T),
                             {'etc/f': b'old', 'l': T}),
    'HardlinkRelative': (Tar().dir('etc').file('etc/f', T).hardlink('../../../../etc/f', 'h'), {'h': T}),
    'HardlinkDownAndOut': (Tar().dir('a').dir('etc').file('etc/f', T).hardlink('a/../../../../etc/f', 'h'), {'h': T}),
    'HardlinkAbsolute': (Tar().dir('etc').file('etc/f', T).hardlink('/etc/f', 'h'), {'h': T}),
    'HardlinkRelativeLong': (Tar().dir('etc').file('etc/f', T).hardlink('../' * 40 + 'etc/f', 'h'), {'h': T}),
    'HardlinkThroughSymlink': (Tar().dir('etc').file('etc/f', T).symlink('/etc', 'l').hardlink('l/f', 'h'), {'h': T}),
    'HardlinkToItself': (Tar().file('f', T).hardlink('f', 'f'), {'f': T}),
    'HardlinkSymlinkBeforeCreateTarget': (Tar().dir('etc').symlink('/etc/f', 'l').hardlink('l', 'h')
                                          .file('etc/f', T), {'etc/f': T}),
    'HardlinkSymlinkRelative': (Tar().dir('etc').file('etc/f', T).symlink('../../etc/f', 'l').hardlink('l', 'h')
                                .file('h', b'new'), {'etc/f': T, 'h': b'new'}),
    'HardlinkSymlinkAbsolute': (Tar().dir('etc').file('etc/f', T).symlink('/etc/f', 'l').hardlink('l', 'h')
                                .file('h', b'new'), {'etc/f': T, 'h': b'new'}),
    'WhiteoutSymlink': (Tar().dir('etc').file('etc/f', T).symlink('etc', 'l').file('.wh.l'), {'etc/f': T}),
    'WhiteoutSymlinkPath': (Tar().dir('etc').symlink('/etc', 'l').file('l/.wh.gone').file('etc/f', T), {'etc/f': T}),
    'WhiteoutDirectoryName': (Tar().dir('etc').file('etc/.wh.gone').file('etc/f', T), {'etc/f': T}),
    'WhiteoutDeadSymlinkParent': (Tar().dir('etc').symlink('/dead', 'l').file('l/.wh.gone').file('etc/f', T),
                                  {'etc/f': T}),
    'AbsoluteName': (Tar().file('/etc/passwd', T), {'etc/passwd': T}),
    'SlashesAndDots': (Tar().dir('./etc/').file('.//etc/./f', T), {'etc/f': T}),
}

REFUSED: dict[str, Tar] = {
    'HardlinkRelativeUpAndOut': Tar().dir('etc').hardlink('../../../../../../../../etc/passwd', 'h'),
    'HardlinkDirectRelative': Tar().hardlink('../decoy/unbroken', 'h'),
    'HardlinkDirectAbsolute': Tar().hardlink('/etc/shadow', 'h'),
    'HardlinkToDirectory': Tar().dir('etc').hardlink('etc', 'h'),
    'HardlinkToRoot': Tar().hardlink('/', 'h'),
    'SymlinkEmptyFilename': Tar().symlink('/etc', ''),
    'SymlinkOverridesRoot': Tar().symlink('/etc', './'),
    'SymlinkLoop': Tar().symlink('b', 'a').symlink('a', 'b').file('a/f'),
    'WhiteoutRootParent': Tar().file('.wh...'),
    'WhiteoutParent': Tar().dir('etc').file('etc/.wh...'),
    'WhiteoutRoot': Tar().file('.wh..'),
    'WhiteoutCurrentDirectory': Tar().dir('etc').file('etc/.wh..'),
    'WhiteoutOfNothing': Tar().file('.wh.'),
    'WhiteoutAsDirectory': Tar().dir('etc').file('.wh.etc/f'),
    'WhiteoutRelativePath': Tar().dir('etc').file('etc/../../.wh.decoy'),
    'ParentAtTheEnd': Tar().dir('etc').dir('etc/..'),
    'FileAsDirectory': Tar().file('f').file('f/g'),
}


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A directory with a decoy beside the root that is going to be filled."""
    (tmp_path / 'decoy').mkdir()
    (tmp_path / 'decoy' / 'unbroken').write_bytes(b'outside')
    (tmp_path / 'unbroken').write_bytes(b'outside')
    (tmp_path / 'root').mkdir()
    return tmp_path


def outside(box: Path) -> dict[str, object]:
    here = {path: kept for path, kept in listing(box).items() if not path.startswith(f'{box}/root/')}
    host = {path: (os.stat(path).st_ino, os.stat(path).st_ctime_ns, os.stat(path).st_nlink)
            for path in ('/etc', '/etc/passwd', '/etc/shadow', '/', '/dev', '/tmp/..')}
    return here | host


def unpack_in_child(root: Path, tar: Tar) -> unpack.UnpackResult:
    argv = children.argv(unpack.words_for(root, LIMITS))
    ended = subprocess.run(argv, input=tar.bytes(), stdout=subprocess.PIPE, env={}, check=False)
    return unpack.parse_output(ended.stdout)


@pytest.mark.parametrize('unpacker', [unpack_into, unpack_in_child])
@pytest.mark.parametrize('case', CONTAINED)
def test_a_tar_that_points_outside_is_contained(box: Path, case: str, unpacker) -> None:
    tar, expected = CONTAINED[case]
    before = outside(box)
    unpacker(box / 'root', tar)
    assert outside(box) == before
    for path, content in expected.items():
        assert (box / 'root' / path).read_bytes() == content


@pytest.mark.parametrize('unpacker', [unpack_into, unpack_in_child])
@pytest.mark.parametrize('case', REFUSED)
def test_a_tar_that_makes_no_sense_inside_is_refused(box: Path, case: str, unpacker) -> None:
    before = outside(box)
    with pytest.raises(errors.UnacceptableImage):
        unpacker(box / 'root', REFUSED[case])
    assert outside(box) == before


def test_a_chain_of_links_over_two_layers_stays_inside(box: Path) -> None:
    before = outside(box)
    unpack_into(box / 'root', Tar().symlink('..', 'x').symlink('x/..', 'y'))
    unpack_into(box / 'root', Tar().file('y/unbroken', T))
    assert outside(box) == before
    assert (box / 'root' / 'unbroken').read_bytes() == T


def test_the_mode_of_a_hard_link_to_an_escaping_link_does_not_reach_the_host(box: Path) -> None:
    decoy = box / 'decoy' / 'unbroken'
    decoy.chmod(0o600)
    unpack_into(box / 'root', Tar().symlink(str(decoy), 'l').hardlink('l', 'h', mode=0o6777))
    assert decoy.stat().st_mode & 0o7777 == 0o600


def test_a_hard_link_to_a_deeper_escaping_link_is_a_link_inside(box: Path) -> None:
    tar = Tar().dir('a').dir('a/b').symlink('../../../decoy/unbroken', 'a/b/l').hardlink('a/b/l', 'h').file('h', T)
    unpack_into(box / 'root', tar)
    assert (box / 'decoy' / 'unbroken').read_bytes() == b'outside'
    assert not (box / 'root' / 'h').is_symlink()


def test_the_sentence_names_the_entry_that_leads_out(box: Path) -> None:
    with pytest.raises(errors.UnacceptableImage, match=r"'\.\./\.\./etc/cron\.d/x' leads out"):
        unpack_in_child(box / 'root', Tar().file('../../etc/cron.d/x'))
    assert not Path('/etc/cron.d/x').exists()


def test_nothing_can_be_imported_from_the_tree_of_a_tenant(tmp_path: Path) -> None:
    (tmp_path / 'colorsys.py').write_text('open("/was-run", "w")')
    code = f'''
import sys
sys.path.insert(0, {str(Path.cwd())!r})
from nova_container.image import child
child.enter({str(tmp_path)!r}, 1 << 20)
sys.path.insert(0, "/")
import colorsys
'''
    ended = subprocess.run([sys.executable, '-I', '-c', code], capture_output=True, check=False)
    assert b'ModuleNotFoundError' in ended.stderr or b'ImportError' in ended.stderr
    assert not (tmp_path / 'was-run').exists()


def test_the_child_has_few_capabilities_and_cannot_see_the_host(tmp_path: Path) -> None:
    argv = children.argv(unpack.words_for(tmp_path, LIMITS))
    assert argv[0] == '/usr/bin/setpriv'
    shown = subprocess.run([*argv[:4], 'cat', '/proc/self/status'], capture_output=True, text=True, check=True).stdout
    effective = int(shown.split('CapEff:')[1].split()[0], 16)
    net_admin, sys_module, sys_ptrace, dac_read_search = 12, 16, 19, 2
    assert not any(effective >> bit & 1 for bit in (net_admin, sys_module, sys_ptrace, dac_read_search))
