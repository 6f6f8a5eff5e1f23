"""Numbers as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.journal.reader import JournalReader
from core.units import decimal_of


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table with right-aligned columns, the first left-aligned."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        cells = (
            cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def money_lines(reader: JournalReader) -> Iterator[str]:
    """Yield what a journal made: trades, P&L after fees, equity."""
    for desk in reader.desks():
        account = reader.account(desk)
        if account is None:
            continue
        realised, fees = int(account.realised_micro[0]), int(account.fees_micro[0])
        yield (
            f"{desk}: {reader.count_fills()} fills, realised {decimal_of(realised):+.2f} $, fees {decimal_of(fees):.2f} $, "
            f"after fees {decimal_of(realised - fees):+.2f} $, cash {decimal_of(int(account.cash_micro[0])):.2f} $"
        )


def verdict_lines(reader: JournalReader) -> Iterator[str]:
    """Yield, for each desk, how often each reason passed, shrank or refused what was wanted."""
    for desk in reader.desks():
        found = reader.verdicts(desk)
        if found:
            yield f"{desk}: what became of {sum(each.whole + each.shrunk + each.refused for each in found)} wishes"
            rows = [(each.reason, *(str(n) if n else "" for n in (each.whole, each.shrunk, each.refused))) for each in found]
            yield from table(("by reason", "as wanted", "shrunk", "refused"), rows)
