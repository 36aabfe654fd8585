# SPDX-License-Identifier: Apache-2.0
"""`python -m tools.minicloud`."""

import sys

from tools.minicloud import cli

sys.exit(cli.main())
