# SPDX-License-Identifier: Apache-2.0
"""The log on disk: parsed, rotated, read from its end, followed, whatever happens to its files meanwhile."""

import dataclasses
import itertools
import os
import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nova_container.engine.spec import LogLimits, LogQuery
from nova_container.engine.state import LogChunk, StreamName
from nova_container.runtime import logs

STAMP = b'2026-01-02T03:04:05.678901234+00:00'
SECONDS = 1767323045.678901234


def line(text, stream='stdout', flag='F', stamp=STAMP):
    return stamp + f' {stream} {flag} {text}\n'.encode()


@pytest.fixture
def log(tmp_path):
    (tmp_path / 'log').touch()
    return tmp_path / 'log'


def texts(log, alive=lambda: False, **query):
    return [chunk.data.decode() for chunk in logs.read(log, LogQuery(**query), alive)]


def write(log, *names):
    with log.open('ab') as file:
        file.write(b''.join(line(name) for name in names))


def rotate(log, files=3):
    """As the engine and conmon do together."""
    return logs.rotate(log, LogLimits(file_bytes=1, files=files), log.touch)


@pytest.mark.parametrize('stamp, seconds', [
    (STAMP, SECONDS), (b'2026-01-02T05:04:05.678901234+02:00', SECONDS),
    (b'2026-01-02T03:04:05.5Z', int(SECONDS) + 0.5), (b'2026-01-02T03:04:05', int(SECONDS))])
def test_a_line_has_a_moment(stamp, seconds):
    assert logs.parse(line('x', stamp=stamp)).time == pytest.approx(seconds, abs=1e-6)


def test_a_whole_line_ends_and_a_part_does_not():
    assert logs.parse(line('hello world')).data == b'hello world\n'
    assert logs.parse(line('hello ', flag='P')).data == b'hello '
    assert logs.parse(line('', 'stderr')) == LogChunk(StreamName.STDERR, pytest.approx(SECONDS), b'\n')


@given(some.binary(max_size=60))
def test_damage_never_raises(content):
    logs.parse(content)
    logs.parse(STAMP + b' stdout F ' + content)
    logs.parse(content + b' stdout F text\n')


@pytest.mark.parametrize('damaged', [b'', b'\n', b'text\n', b'now stdout F text\n', STAMP + b' stdout\n',
                                     STAMP + b' stdin F text\n', b'\0' * 20 + line('x')])
def test_a_damaged_line_is_none(damaged):
    assert logs.parse(damaged) is None


def test_files_are_read_from_the_oldest_to_the_newest(log):
    for number in range(12):
        write(log, str(number))
        rotate(log, files=12)
    write(log, '12')
    assert texts(log) == [f'{number}\n' for number in range(1, 13)]


def test_no_more_files_are_kept_than_the_limit(log):
    for number in range(9):
        write(log, str(number))
        assert rotate(log)
    assert sorted(path.name for path in log.parent.iterdir()) == ['log', 'log.1', 'log.2']
    assert texts(log) == ['7\n', '8\n']


def test_a_log_below_its_limit_is_left_alone(log):
    write(log, 'x')
    assert not logs.rotate(log, LogLimits(file_bytes=1000), lambda: pytest.fail('opened anew'))
    assert not logs.rotate(log.with_name('none'), LogLimits(), lambda: pytest.fail('opened anew'))


def test_a_single_file_is_emptied(log):
    write(log, 'x')
    assert rotate(log, files=1)
    assert (log.stat().st_size, len(list(log.parent.iterdir()))) == (0, 1)


def test_what_was_moved_away_is_read_though_no_new_file_was_begun(log):
    write(log, 'kept')
    logs.rotate(log, LogLimits(file_bytes=1), lambda: None)
    assert not log.exists()
    assert texts(log) == ['kept\n']


def test_there_may_be_no_log(tmp_path):
    assert texts(tmp_path / 'log', tail=5) == []


@given(some.lists(some.tuples(some.sampled_from(['stdout', 'stderr']), some.sampled_from('FFFP'),
                              some.text(some.characters(exclude_characters='\n', exclude_categories=['Cs']),
                                        max_size=30)), max_size=30),
       some.integers(0, 12), some.integers(1, 200), some.booleans(), some.booleans())
def test_a_tail_is_the_end_of_all(tmp_path_factory, written, tail, block, stdout, stderr):
    log = tmp_path_factory.mktemp('log') / 'log'
    thirds = len(written) // 3 + 1
    for path, part in ((log.with_name('log.2'), written[:thirds]), (log.with_name('log.1'), written[thirds:2 * thirds]),
                       (log, written[2 * thirds:])):
        path.write_bytes(b''.join(line(text, stream, flag) for stream, flag, text in part))
    everything = texts(log)
    wanted = [(index, flag) for index, (stream, flag, _) in enumerate(written)
              if (stdout if stream == 'stdout' else stderr)]
    ends = [index + 1 for index, flag in wanted if flag == 'F' or (index, flag) == wanted[-1]]
    first = ends[-tail - 1] if len(ends) > tail else 0
    expected = [text for text, (stream, _, _) in list(zip(everything, written, strict=True))[first:]
                if (stdout if stream == 'stdout' else stderr)]
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(logs, '_BLOCK', block)
        assert texts(log, tail=tail, stdout=stdout, stderr=stderr) == expected


def test_times_and_streams_choose(log):
    stamps = [f'2026-01-02T03:04:0{number}.5Z'.encode() for number in range(6)]
    log.write_bytes(b''.join(line(str(number), ('stdout', 'stderr')[number % 2], stamp=stamp)
                             for number, stamp in enumerate(stamps)))
    start = logs.parse(line('', stamp=stamps[0])).time
    assert texts(log, since=start + 2, until=start + 4) == ['2\n', '3\n', '4\n']
    assert texts(log, stderr=False) == ['0\n', '2\n', '4\n']
    assert texts(log, until=start + 3, tail=2) == ['2\n', '3\n', ]


class Steps:
    """``alive`` that does the next thing each time it is asked, and says no after the last."""

    def __init__(self, *steps):
        self._steps = iter(steps)

    def __call__(self):
        step = next(self._steps, None)
        if step is None:
            return False
        step()
        return True


def test_following_reads_on_across_rotations(log):
    alive = Steps(lambda: write(log, '1'), lambda: (write(log, '2'), rotate(log), write(log, '3')),
                  lambda: (write(log, '4'), rotate(log)), lambda: write(log, '5'))
    write(log, '0')
    assert texts(log, alive, follow=True) == [f'{number}\n' for number in range(6)]


def test_a_slow_follower_loses_nothing_that_is_kept(log):
    """Several rotations happen between two looks."""
    alive = Steps(lambda: [(write(log, str(number)), rotate(log, files=5)) for number in range(1, 4)])
    write(log, '0')
    assert texts(log, alive, follow=True) == ['0\n', '1\n', '2\n', '3\n']


def test_a_follower_goes_on_where_its_file_was_dropped(log):
    def drop():
        for number in range(1, 9):
            rotate(log)
            write(log, str(number))

    write(log, '0')
    assert texts(log, Steps(lambda: None, drop), follow=True) == ['0\n', '6\n', '7\n', '8\n']


def test_a_log_begun_anew_by_another_shows_no_older_file_again(log):
    def begin_anew():
        (log.parent / 'new').write_bytes(line('2'))
        (log.parent / 'new').rename(log)

    write(log, '0')
    rotate(log)
    write(log, '1')

    os.utime(log.with_name('log.1'), (1, 1))
    assert texts(log, Steps(lambda: None, begin_anew), follow=True) == ['0\n', '1\n', '2\n']


def test_a_follower_sees_an_emptied_file_from_its_start(log):
    write(log, 'a long first line', 'and another')
    alive = Steps(lambda: None, lambda: (rotate(log, files=1), write(log, 'x')))
    assert texts(log, alive, follow=True) == ['a long first line\n', 'and another\n', 'x\n']


def test_half_a_line_is_told_when_it_is_whole(log):
    whole = line('whole')

    def append(part):
        with log.open('ab') as file:
            file.write(part)

    append(whole[:20])
    assert texts(log) == []
    assert texts(log, Steps(lambda: append(whole[20:])), follow=True) == ['whole\n']


def test_readers_see_every_line_once_while_the_log_is_written_and_rotated(log):
    ended = threading.Event()

    def work():
        for number in range(3000):
            write(log, str(number))
            if number % 100 == 99:
                rotate(log, files=50)
        ended.set()

    writer = threading.Thread(target=work)
    writer.start()
    seen = texts(log, lambda: not ended.is_set(), follow=True)
    writer.join()
    assert seen == [f'{number}\n' for number in range(3000)]


@pytest.fixture
def endless(log, monkeypatch):
    """A container that writes two lines in the time in which one is read, a second later each, and fills its log."""
    def parsed(text, parse=logs._parsed, seconds=itertools.count()):
        passed = next(seconds)
        assert passed < 1000, 'a reader goes on for ever'
        write(log, 'late', 'later')
        rotate(log, files=9)
        return dataclasses.replace(parse(text), time=SECONDS + passed)

    monkeypatch.setattr(logs, '_parsed', parsed)


@pytest.mark.usefixtures('endless')
@pytest.mark.parametrize('tail, expected', [(None, ['0\n', '1\n', '2\n']), (2, ['1\n', '2\n'])])
def test_who_does_not_follow_comes_to_an_end_however_fast_the_log_is_written(log, tail, expected):
    write(log, '0')
    rotate(log)
    write(log, '1', '2')
    assert texts(log, tail=tail) == expected


@pytest.mark.usefixtures('endless')
def test_who_follows_until_a_moment_comes_to_an_end_however_fast_the_log_is_written(log):
    write(log, 'first')
    chunks = list(logs.read(log, LogQuery(follow=True, until=SECONDS + 9), lambda: True))
    assert [chunk.time - SECONDS for chunk in chunks] == list(range(10))


def test_files_are_ordered_though_the_log_is_rotated_twice_while_they_are_opened(log, monkeypatch):
    for name in 'ab':
        write(log, name)
        rotate(log)
    write(log, 'c')

    def opened(file, stat=os.fstat, turns=itertools.count()):
        if next(turns) == 0:
            for name in 'de':
                rotate(log, files=9)
                write(log, name)
        return stat(file)

    monkeypatch.setattr(logs.os, 'fstat', opened)
    assert texts(log) == ['a\n', 'b\n', 'c\n', 'd\n', 'e\n']


def test_files_are_closed_after_reading(log):
    write(log, *map(str, range(10)))
    rotate(log)
    before = len(os.listdir('/proc/self/fd'))
    for query in (LogQuery(), LogQuery(tail=1), LogQuery(follow=True)):
        stream = logs.read(log, query, itertools.repeat(True).__next__)
        assert re.fullmatch(rb'\d\n', next(stream).data)
        stream.close()
    assert len(os.listdir('/proc/self/fd')) == before
