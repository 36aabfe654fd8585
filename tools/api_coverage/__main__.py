# SPDX-License-Identifier: Apache-2.0
"""``python -m tools.api_coverage [--heat] [--markdown] [--all]``: how much of the Docker Engine API there is."""

import argparse
from collections import Counter
from collections.abc import Iterable

from tools.api_coverage import measure
from tools.api_coverage.measure import Row, Verdict


def main(argv: list[str] | None = None) -> int:
    """Print the table. Exit code 1 if anything is missing."""
    parser = argparse.ArgumentParser(prog='python -m tools.api_coverage', description=__doc__)
    parser.add_argument('--markdown', action='store_true', help='as a table for a page')
    parser.add_argument('--all', action='store_true', help='each endpoint, field and parameter, also what is done')
    parser.add_argument('--heat', action='store_true', help='what a Heat template reaches, and not what is served')
    options = parser.parse_args(argv)
    tables = _heat() if options.heat else {
        'Endpoints': measure.endpoints(), 'Fields': measure.body_fields(), 'Parameters': measure.parameters()}
    every: list[Row] = []
    for title, found in tables.items():
        rows = tuple(found)
        every += rows
        print('\n'.join(_summary(title, rows, markdown=options.markdown)))
    for row in every:
        if options.all or row.verdict in (Verdict.REFUSED, Verdict.MISSING):
            print(_line((row.verdict.value, row.group, row.name), markdown=options.markdown))
    return int(any(row.verdict is Verdict.MISSING for row in every))


def _heat() -> dict[str, Iterable[Row]]:
    from tools.api_coverage import heat  # where there is no Heat the rest still works
    return {'Endpoints': heat.endpoints(), 'Fields': heat.create_fields()}


def _summary(title: str, rows: Iterable[Row], *, markdown: bool) -> Iterable[str]:
    counted: dict[str, Counter[Verdict]] = {}
    for row in rows:
        counted.setdefault(row.group, Counter())[row.verdict] += 1
    yield _line((title, 'done', 'refused', 'missing', '%'), markdown=markdown)
    if markdown:
        yield '|---|---|---|---|---|'
    total: Counter[Verdict] = Counter()
    for group, counts in counted.items():
        if not counts[Verdict.OUT_OF_SCOPE]:
            total += counts
            yield _counts(group, counts, markdown=markdown)
    yield _counts('all in scope', total, markdown=markdown)
    yield ''


def _counts(group: str, counts: 'Counter[Verdict]', *, markdown: bool) -> str:
    done, refused, missing = (counts[verdict] for verdict in (Verdict.DONE, Verdict.REFUSED, Verdict.MISSING))
    share = 100 * done // max(done + refused + missing, 1)
    return _line((group, str(done), str(refused), str(missing), f'{share}'), markdown=markdown)


def _line(cells: tuple[str, ...], *, markdown: bool) -> str:
    if markdown:
        return f'| {" | ".join(cells)} |'
    return f'{cells[0]:36}{"".join(f"{cell:>10}" for cell in cells[1:])}' if len(cells) == 5 else (
        f'{cells[0]:10}{cells[1]:36}{cells[2]}')


if __name__ == '__main__':
    raise SystemExit(main())
