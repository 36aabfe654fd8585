# SPDX-License-Identifier: Apache-2.0
"""Processes <-> the body of GET /containers/{id}/top, whose columns ``ps_args`` choose."""

import math
import time
from collections.abc import Callable, Mapping

from nova_container import errors
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import state

EXACT = '-eo pid,ppid,uid,etimes,cputimes,tty,args'
"""The ``ps_args`` our client asks with: every column one word but the last, none rounded to a minute."""

_FORMATS = {'': 'uid,pid,ppid,c,stime,tty,time,cmd', '-ef': 'uid,pid,ppid,c,stime,tty,time,cmd'}
_Cell = Callable[[state.ProcessRow, float], str]


def _share(row: state.ProcessRow, now: float) -> str:
    return str(int(100 * row.cpu_s / max(now - row.started_at, 1.0)))


def _start(row: state.ProcessRow, now: float) -> str:
    pattern = '%H:%M' if now - row.started_at < 86400 else '%b%d'
    return time.strftime(pattern, time.localtime(row.started_at))


def _clock(row: state.ProcessRow, now: float) -> str:
    whole = int(row.cpu_s)
    return f'{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}'


_COLUMNS: Mapping[str, tuple[str, _Cell]] = {
    'pid': ('PID', lambda row, now: str(row.pid)), 'ppid': ('PPID', lambda row, now: str(row.parent_pid)),
    'uid': ('UID', lambda row, now: str(row.uid)), 'user': ('USER', lambda row, now: str(row.uid)),
    'c': ('C', _share), 'stime': ('STIME', _start), 'time': ('TIME', _clock),
    'etimes': ('ELAPSED', lambda row, now: f'{now - row.started_at:.3f}'),
    'cputimes': ('TIME', lambda row, now: f'{row.cpu_s:.3f}'),
    'tty': ('TTY', lambda row, now: row.tty or '?'), 'tt': ('TT', lambda row, now: row.tty or '?'),
    'cmd': ('CMD', lambda row, now: row.command), 'args': ('COMMAND', lambda row, now: row.command),
    'command': ('COMMAND', lambda row, now: row.command), 'comm': ('COMMAND', lambda row, now: _short(row.command)),
}


def top_body(rows: tuple[state.ProcessRow, ...], ps_args: str, now: float) -> Json:
    """:raises Unsupported: ``ps_args`` asks for a column that is not known here."""
    names = _names(ps_args)
    return {'Titles': [_COLUMNS[name][0] for name in names],
            'Processes': [[_COLUMNS[name][1](row, now) for name in names] for row in rows]}


def rows_of(fields: object, now: float) -> tuple[state.ProcessRow, ...]:
    """The processes in an answer to ``EXACT``. :raises Corrupt: the columns are others."""
    body = Document(fields)
    processes = body.fields.get('Processes') or []
    try:
        return tuple(_row_of(cells, now) for cells in processes)
    except (ValueError, TypeError):
        raise errors.Corrupt('The engine answered a list of processes in another form than was asked') from None


def _row_of(cells: list[str], now: float) -> state.ProcessRow:
    pid, parent_pid, uid, elapsed_s, cpu_s, tty, command = cells
    started_at = now - float(elapsed_s)
    if not math.isfinite(started_at):
        raise ValueError(elapsed_s)
    return state.ProcessRow(pid=int(pid), parent_pid=int(parent_pid), uid=int(uid), started_at=started_at,
                            cpu_s=float(cpu_s), tty='' if tty == '?' else tty, command=command)


def _names(ps_args: str) -> list[str]:
    """The columns that a ps command line chooses: ``-ef``, or ``-o a,b`` in its spellings."""
    words = ps_args.split()
    text = _FORMATS.get(ps_args.strip())
    if text is None and len(words) == 2 and words[0] in ('-o', '-eo', 'o', '-efo'):
        text = words[1]
    elif text is None and len(words) == 1 and words[0].startswith(('-o', '-eo')):
        text = words[0].partition('o')[2]
    names = (text or '').split(',')
    for name in names:
        if name not in _COLUMNS:
            raise errors.Unsupported(f'ps_args {ps_args[:128]!r} is not supported: use -ef, '
                                     f'or -o with {", ".join(_COLUMNS)}')
    return names


def _short(command: str) -> str:
    return command.split(' ')[0].rpartition('/')[2][:15]
