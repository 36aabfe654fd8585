# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""Lines of the script that the built-in engine answers differently from dockerd 20.10, each with its reason."""

from collections.abc import Mapping

_LAYERS = 'dockerd names the layers that went, too; layers are no objects of this engine\'s API'
_TAR_SIZES = 'the size of an image is that of its layers\' tars here, with their headers, and of files alone in dockerd'
_FAILED_STEP = 'the classic builder leaves the container of a step that failed; buildah does not'

_NEWER = 'dockerd 20.10 does not know what came with API 1.44 and 1.45; the engine does it whichever version is spoken'

FROM_DOCKERD: Mapping[str, str] = {
    "inspect -f '{{.HostConfig.NetworkMode}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.ShmSize}}' made":
        'default is the network bridge, and the engine says so, as Docker does since 26',
    'exec -u nobodyknows made true': 'the sentence says where the name was looked for',
    'exec made no-such-program':
        'the exit code is 127, as a shell and Docker since 23 have it; and the text is of crun, not of runc',
    'top made -o args': 'the engine lists processes itself, and needs no column of pids to know which are the container\'s',
    "run --rm --privileged box:1 sh -c 'test -e /dev/loop-control && echo all'":
        'runc of Debian 12 does not start privileged containers on the kernel of the test machines; crun does',
    'run --rm --blkio-weight 300 box:1 true':
        'a limit that the kernel cannot keep is refused; dockerd discards it with a warning',
    'run --rm --device /dev/nosuch box:1 true':
        'dockerd ends with 127, for the words "no such file" in what it says',
    'run --rm --log-opt mode=non-blocking --log-opt max-buffer-size=4m box:1 echo buffered':
        'there is no buffer: the engine says so in a warning',
    'run --rm --volume-driver nosuch -v driven:/v box:1 true':
        'dockerd says 404 of the driver, which the command takes for a missing image',
    'cp {dir}/tree/h corners:/etc/hostname':
        'dockerd cannot put a file where another is mounted; here it shows until the next start',
    'exec -w rel corners pwd': 'a folder that is no absolute path is refused before anything is run',
    "ps -a -s --format '{{.Names}} {{.Size}}'": _TAR_SIZES,
    "ps -s --format '{{.Names}} {{.Size}}'": _TAR_SIZES,
    'run --rm --mount type=volume,source=data,target=/d,volume-subpath=sub box:1 cat /d/file': _NEWER,
    'run --rm --mount type=volume,source=data,target=/d,volume-subpath=nosuch box:1 true': _NEWER,
    "run --rm --network blue --network inner box:1 sh -c 'ls -d /sys/class/net/eth*'": _NEWER,
    'rmi -f committed:1': _LAYERS,
    'rmi imported:1 committed:1': _LAYERS,
    'rmi -f built:1 context:1 first:1': _LAYERS,
    'build -q -f {dir}/context/Failing {dir}/context':
        'the classic builder tells of an image and a container for each step; buildah makes none',
    "sorted: ps -a --format '{{.Command}} {{.Status}}'": _FAILED_STEP,
    "info -f '{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}}'": _FAILED_STEP,
    "system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'": _FAILED_STEP,
    'container prune -f': _FAILED_STEP,
}
"""By API 1.41, which both speak."""

_PRUNED = 'since API 1.42 volumes that somebody named are pruned only if that is asked for'

BETWEEN_VERSIONS: Mapping[str, str] = {
    'run --rm --annotation x=y box:1 true': 'the command sends annotations since API 1.43 only',
    'run --rm --mac-address 02:00:00:00:00:09 box:1 cat /sys/class/net/eth0/address':
        'the command sends the address of an endpoint since API 1.44 only',
    'volume prune -f': _PRUNED,
    'sorted: volume ls -q': _PRUNED,
}
"""Of the built-in engine, by the newest API that the command speaks from what it says by 1.41."""
