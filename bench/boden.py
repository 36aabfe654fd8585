# SPDX-License-Identifier: Apache-2.0
"""What Boden Russell measured with nova-docker and KVM in 2014, for context: another machine, another OpenStack.

Source: "KVM and Docker LXC Benchmarking with OpenStack" v2.0, 11 May 2014 (reference/quality.md, A.1): 2x Xeon E5620,
96 GB, one SATA disk, docker 0.10 on AUFS, devstack, Rally, image cached; reboot of KVM waits for ACPI in vain.
"""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """Average seconds."""

    docker_s: float
    kvm_s: float


BOOT = Figure(3.529, 5.782)
SOFT_REBOOT = Figure(2.578, 124.433)
DELETE = Figure(3.525, 3.480)
SNAPSHOT = Figure(36.888, 48.023)
