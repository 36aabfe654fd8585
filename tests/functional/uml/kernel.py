# SPDX-License-Identifier: Apache-2.0
"""A kernel of its own for a test, as a process (User Mode Linux, of Debian), where this machine's lacks something.

Its root is that of this machine, read through hostfs; ``/mnt`` is its own, and the rest is not to be written to.
"""

import pathlib
import subprocess
import sys

from tests.conformance import presence

_MODULES = pathlib.Path('/usr/lib/uml/modules')
_INIT = """#!/bin/sh
export PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin HOME=/ TMPDIR=/mnt PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t tmpfs tmpfs /mnt && mkdir /mnt/dev /mnt/disk
mount -t devtmpfs dev /mnt/dev && mount --bind /mnt/dev /dev
for module in {modules}; do insmod {folder}/$module.ko; done
mount -t ext4 -o prjquota /dev/ubda /mnt/disk
cd {top} && PYTHONPATH={top} {python} {program}
echo "ended with $?"
umount /mnt/disk
echo o > /proc/sysrq-trigger
sleep 10
"""
_TOP = pathlib.Path(__file__).parents[3]


def run(program: str, folder: pathlib.Path) -> str:
    """Run a Python program on an empty ext4 with project quotas at ``/mnt/disk``; what it said. It must end with 0."""
    kernel = presence.require_program('linux.uml')
    presence.require_program('mkfs.ext4')
    modules = next(_MODULES.iterdir()) / 'kernel'
    disk, init, script = folder / 'disk', folder / 'init', folder / 'program.py'
    with disk.open('wb') as file:
        file.truncate(256 << 20)
    subprocess.run(['/usr/sbin/mkfs.ext4', '-q', '-O', 'project,quota', disk], check=True, timeout=60)
    script.write_text(program)
    init.write_text(_INIT.format(folder=modules, top=_TOP, python=sys.executable, program=script, modules=' '.join(
        ('fs/quota/quota_tree', 'fs/quota/quota_v2', 'fs/overlayfs/overlay'))))
    init.chmod(0o755)
    done = subprocess.run(
        [kernel, 'mem=512M', 'rootfstype=hostfs', 'rootflags=/', 'rw', f'ubd0={disk}', f'init={init}', 'con=null',
         'con0=null,fd:1', 'quiet', f'uml_dir={folder}'], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        errors='replace', timeout=120, check=False)
    assert 'ended with 0' in done.stdout, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout
