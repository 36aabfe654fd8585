# SPDX-License-Identifier: Apache-2.0
import pytest

from bench import figures


def test_the_median_of_an_even_number_lies_between():
    assert figures.median([4, 1, 3, 2]) == 2.5


def test_there_is_no_median_of_nothing():
    with pytest.raises(ValueError, match='at least one'):
        figures.median([])


@pytest.mark.parametrize(('percent', 'expected'), [(0, 10), (50, 20), (90, 28), (100, 30)])
def test_a_percentile_is_interpolated_between_neighbours(percent, expected):
    assert figures.percentile([30, 10, 20], percent) == expected


def test_one_sample_is_every_percentile():
    assert figures.percentile([7], 90) == 7


@pytest.mark.parametrize(('samples', 'percent'), [([], 90), ([1], -1), ([1], 101)])
def test_an_impossible_percentile_is_refused(samples, percent):
    with pytest.raises(ValueError, match='Cannot take'):
        figures.percentile(samples, percent)


def test_a_ratio_is_theirs_over_ours():
    assert figures.ratio(theirs=[200, 100, 300], ours=[50, 40, 60]) == 4


@pytest.mark.parametrize(('value', 'at_least', 'met'), [
    (5.0, True, True), (4.9, True, False), (5.0, False, True), (5.1, False, False)])
def test_a_target_is_met_at_its_limit(value, at_least, met):
    assert figures.Target('x', value, 5, at_least).met is met


def test_a_target_tells_what_was_missed():
    assert figures.Target('memory', 600.4, 512, False, ' KiB').cells() == (
        'memory', '600.4 KiB', 'at most 512 KiB', 'MISSED')


@pytest.mark.parametrize(('value', 'text'), [
    (0.1234, '0.123'), (1.239, '1.24'), (12.34, '12.3'), (123.44, '123.4'), (1234.5, '1234'), (15, '15'), (0, '0')])
def test_a_figure_has_three_digits_that_count(value, text):
    assert figures.short(value) == text


def test_pairs_keep_their_order():
    assert figures.pairs({'b_ms': 1.5, 'a': 15, 'c': 'text'}) == 'b_ms=1.50 a=15 c=text'
