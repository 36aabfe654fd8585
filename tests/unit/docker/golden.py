# SPDX-License-Identifier: Apache-2.0
"""Bodies that were recorded: of dockerd 20.10.24, and of the docker command line 28.2.2."""

import json
import pathlib
from typing import Any

_FOLDER = pathlib.Path(__file__).parents[2] / 'fixtures' / 'docker'


def body(name: str) -> Any:
    return json.loads((_FOLDER / f'{name}.json').read_text())
