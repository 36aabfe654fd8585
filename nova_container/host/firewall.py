# SPDX-License-Identifier: Apache-2.0
"""Tables of nftables, through nft(8): one transaction a call, tables of others are never touched."""

from nova_container.host import process


def replace_table(name: str, body: str) -> None:
    """Put a table of family inet in place of the one of that name, if any, in one step.

    :raises HostFailure: nft is not installed, or the kernel refuses; then all is as before.
    """
    _feed(f'add table inet {name}\ndelete table inet {name}\ntable inet {name} {{\n{body}}}\n')


def remove_table(name: str) -> None:
    """Silent if there is none."""
    _feed(f'add table inet {name}\ndelete table inet {name}\n')


def _feed(text: str) -> None:
    process.run(process.find('nft'), '-f', '-', input=text.encode())
