"""The paper broker: fills from the recorded books and prints, a pure function of orders, account and archive.

An order that takes meets the newest book around its `placed_at`, up to its limit price, less what we took of that book
before; what is not filled expires. An order that rests joins the back of the queue and is filled by what others did
afterwards. Where an archive has prints and no books, an order waits for the next look and is filled by later prints only.
Nothing is ever filled at a midpoint, no price is better than the one shown, and no touch is a fill.
"""

from agents.paper.broker import GRACE, PaperBroker, pending
from agents.paper.listed import Listed, Listings, listed_of
from agents.paper.live import LivePaperBroker
from agents.prints import Print, prints_of

__all__ = ["GRACE", "Listed", "Listings", "LivePaperBroker", "PaperBroker", "Print", "listed_of", "pending", "prints_of"]
