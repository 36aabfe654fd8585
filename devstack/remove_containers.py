# SPDX-License-Identifier: Apache-2.0
"""Remove every container of an engine: ``remove_containers.py URL``."""

import sys

from nova_container import connect


def main(url: str) -> None:
    """Remove them, alive or not, and say how many there were. :raises ContainerError: the engine refuses."""
    engine = connect.connect(url)
    found = engine.list()
    for container in found:
        engine.remove(container.id, force=True)
    print(f'{len(found)} containers removed')


if __name__ == '__main__':
    main(sys.argv[1])
