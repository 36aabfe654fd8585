# SPDX-License-Identifier: Apache-2.0
"""The errors a person at a terminal sees: each is a sentence that says what to do."""


class MinicloudError(Exception):
    """Something the reader can act on; the text is printed as it is."""


class ServiceDied(MinicloudError):
    """A service ended while it was waited for; the text ends with its log."""


class NotReady(MinicloudError):
    """A service lives but did not answer in its time."""
