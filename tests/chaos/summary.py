"""Say in a few lines what happened in a run."""

from collections import Counter
from collections.abc import Iterator

from hubbub.steps import STEPS
from tests.chaos.book import Book
from tests.chaos.facts import Facts
from tests.chaos.judge import settled


def summary(book: Book, facts: Facts) -> Iterator[str]:
    """Yield the lines, most general first."""
    ledger = facts.ledger
    kinds: Counter[str] = Counter()
    for book_of in (book.heard, book.texted):
        for talk, messages in book_of.items():
            kinds[talk.kind] += len(messages)
    yield f"calls: {book.calls} answered, {book.repeated} without an answer and repeated"
    yield (
        f"in: {kinds.total()} messages {dict(kinds)} with {len(book.files)} files, {len(book.edits)} edits, "
        f"{ledger['receipts']} receipts, {book.doubled} told twice, {sum(facts.repeats.values())} brought again; "
        f"{len(book.rejected)} rejected, {len(book.malformed)} malformed"
    )
    states = Counter(row.state for row in facts.deliveries)
    yield f"out: {len(facts.deliveries)} parts, {dict(states)}; the sandbox saw {len(facts.seen)}"
    yield f"outcomes that were unknown: {dict(settled(facts))}"
    died = sum(deed.startswith("died at") for deed in book.deeds)
    others = {key: n for key, n in sorted(book.deeds.items()) if not key.startswith("died at")}
    yield f"died at {died} of {len(STEPS)} steps; {others}"
    yield f"ledger: {ledger}"
