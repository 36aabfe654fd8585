# SPDX-License-Identifier: Apache-2.0
"""``nova-container-image``: images between registries, Dockerfiles and Glance, as the user who runs it."""
