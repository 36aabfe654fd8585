# SPDX-License-Identifier: Apache-2.0
"""Lines of the script that the built-in engine answers differently from dockerd 20.10, each with its reason."""

from collections.abc import Mapping

FROM_DOCKERD: Mapping[str, str] = {
}
"""By API 1.41, which both speak."""

BETWEEN_VERSIONS: Mapping[str, str] = {
}
"""Of the built-in engine, by its newest API from what it says by 1.41."""
