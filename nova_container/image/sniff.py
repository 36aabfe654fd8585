# SPDX-License-Identifier: Apache-2.0
"""What the first bytes of something say it is, for a sentence; nothing is ever opened because of it."""

from nova_container.errors import UnacceptableImage
from nova_container.image import tar_header

ACCEPTED = 'a docker save or OCI layout archive (tar, plain or compressed with gzip, zstd, xz or bzip2)'

_MAGIC = (
    (b'QFI\xfb', 'a qcow2 disk image'), (b'KDMV', 'a VMDK disk image'), (b'# Disk DescriptorFile', 'a VMDK descriptor'),
    (b'vhdxfile', 'a VHDX disk image'), (b'conectix', 'a VHD disk image'), (b'<<< ', 'a VDI disk image'),
    (b'hsqs', 'a squashfs file system'), (b'PK\x03\x04', 'a zip archive'), (b'BZh', 'a bzip2 stream inside another'),
    (b'\x1f\x8b', 'a gzip stream inside another'), (b'\x7fELF', 'an ELF program'), (b'#!', 'a script'),
    (b'{', 'a JSON document'), (b'<', 'an XML or HTML document'))


def check_is_tar(head: bytes) -> None:
    """Check that the first 512 bytes are a tar header.

    :raises UnacceptableImage: they are not; the sentence says what was found and what is accepted.
    """
    if head == bytes(tar_header.BLOCK):
        raise UnacceptableImage(f'Found an empty archive or raw disk image, expected {ACCEPTED}')
    try:
        tar_header.decode(head.ljust(tar_header.BLOCK, b'\0'))
    except UnacceptableImage as error:
        raise UnacceptableImage(f'Found {name_format(head)}, expected {ACCEPTED}') from error


def name_format(head: bytes) -> str:
    """Name the format that the first bytes belong to, with an article."""
    if not head:
        return 'nothing'
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[510:512] == b'\x55\xaa':
        return 'a raw disk image'
    return 'unknown bytes'
