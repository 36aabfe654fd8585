# SPDX-License-Identifier: Apache-2.0
"""Twenty seconds of each fuzzer; ``make fuzz-api`` and ``make fuzz-archives`` take longer."""

from random import Random, SystemRandom

import pytest

from tests.conformance import presence
from tools.fuzz import api, archives, bodies, mutation, runs, tars

SECONDS = 20


@pytest.mark.root
@pytest.mark.parametrize('one', [api.one, archives.one], ids=['api', 'archives'])
def test_nothing_breaks_hangs_or_leaks(one):
    presence.require_root()
    for program in ('conmon', 'crun', 'buildah'):
        presence.require_program(program)
    seed = SystemRandom().randrange(1 << 32)
    assert runs.run(one, SECONDS, seed) == [], f'seed {seed}'


def test_a_seed_gives_the_same_again():
    assert [str(api.request(Random(7))) for _ in range(3)] == [str(api.request(Random(7)))] * 3
    assert tars.tree(Random(7)) == tars.tree(Random(7))


def test_most_bodies_are_right_and_some_are_not():
    made = [bodies.of(Random(seed), '/containers/create') for seed in range(50)]
    assert sum(body['Image'] == bodies.IMAGE for body in made) > 40
    assert any(mutation.mutated_json(Random(seed), body) != body for seed, body in enumerate(made))
