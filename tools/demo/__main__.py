# SPDX-License-Identifier: Apache-2.0
"""Bring up a whole OpenStack, boot a container, use it, delete it; then a stack with one. Non-zero if a step fails."""

import subprocess
import sys
import time

from tools.demo import stack_tour
from tools.demo.cloud import TOP, Cloud
from tools.demo.steps import StepFailed, Steps, say
from tools.demo.tour import Tour, sweep

MINICLOUD = TOP / 'tools' / 'minicloud' / 'minicloud'

BY_HAND = f"""
Go on by hand:

  eval "$({MINICLOUD.relative_to(TOP)} env)"
  openstack server create --image demo-system --flavor c1.small --network private \\
      --key-name demo --security-group demo --wait mine
  openstack console log show mine
  docker -H "$MINICLOUD_ENGINE" ps
  {MINICLOUD.relative_to(TOP)} down      # and `wipe` to leave nothing
"""


def main() -> int:
    steps = Steps()
    say('A whole OpenStack on this machine')
    started = time.monotonic()
    if subprocess.run([str(MINICLOUD), 'up'], check=False).returncode:
        print('The demo ends here: the minicloud did not come up (see above).', file=sys.stderr)
        return 1
    print(f'  up after {time.monotonic() - started:.1f} s')
    say('Containers as servers, through the openstack client')
    try:
        cloud = Cloud()
        stack_tour.sweep(cloud)
        sweep(cloud)
        Tour(cloud, steps).all()
        say('Containers in a Heat stack, beside a server')
        stack_tour.StackTour(cloud, steps).all()
    except StepFailed as failure:
        print(f'\n\nThis step does not hold: {failure}\n'
              f'The minicloud is still up: `{MINICLOUD.relative_to(TOP)} logs nova-compute` may say why.',
              file=sys.stderr)
        return 1
    say('Every step held')
    print('\n'.join(steps.table()))
    print(BY_HAND)
    return 0


if __name__ == '__main__':
    sys.exit(main())
