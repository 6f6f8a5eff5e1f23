"""The matching engine of nautilus_trader, asked by JSON lines: run by the Python of an environment of its own.

A line in: {"tick", "bids": [[price, size]], "asks": [...], "buys", "size", "limit", "rate", "rounding"}, all numbers as
text. A line out: {"fills": [[price, size]], "fee"}. The first line out names the version. Nothing of this repository is
imported: what it answers is nautilus' own, and the fee is the venues' published formula over nautilus' fills.
"""

import json
import sys
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

import nautilus_trader
from nautilus_trader.backtest.engine import OrderMatchingEngine
from nautilus_trader.backtest.models import FillModel, MakerTakerFeeModel
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas
from nautilus_trader.model.enums import AccountType, AssetClass, BookAction, BookType, OmsType, OrderSide, TimeInForce
from nautilus_trader.model.events import OrderFilled, OrderSubmitted
from nautilus_trader.model.identifiers import AccountId, ClientOrderId, InstrumentId, StrategyId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import BinaryOption
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import LimitOrder

TRADER, STRATEGY, ACCOUNT = TraderId("HERMES-001"), StrategyId("S-001"), AccountId("SIM-001")
SIZE_PRECISION = 2
FOR_EVER = 2**62
STEPS = {"half_up_5": (Decimal("0.00001"), ROUND_HALF_UP), "up_cent": (Decimal("0.01"), ROUND_CEILING)}


class Desk:
    """One instrument per tick; each question has an engine of its own."""

    def __init__(self, tick: str) -> None:
        self.precision = len(tick.split(".")[1])
        self.instrument = BinaryOption(
            instrument_id=InstrumentId(Symbol(f"BRACKET{self.precision}"), Venue("SIM")), raw_symbol=Symbol("BRACKET"),
            asset_class=AssetClass.ALTERNATIVE, currency=USDC, price_precision=self.precision, size_precision=SIZE_PRECISION,
            price_increment=Price.from_str(tick), size_increment=Quantity.from_str("0.01"), activation_ns=0,
            expiration_ns=FOR_EVER, ts_event=0, ts_init=0, maker_fee=Decimal(0), taker_fee=Decimal(0),
        )  # fmt: skip
        self.order, self.asked = None, 0

    def open(self) -> None:
        """Begin with an engine that has neither book nor orders."""
        clock, self.events, self.cache = TestClock(), [], Cache(database=None)
        bus = MessageBus(trader_id=TRADER, clock=clock)
        bus.register(endpoint="ExecEngine.process", handler=self.hear)
        self.cache.add_instrument(self.instrument)
        self.engine = OrderMatchingEngine(
            instrument=self.instrument, raw_id=0, fill_model=FillModel(), fee_model=MakerTakerFeeModel(),
            book_type=BookType.L2_MBP, oms_type=OmsType.NETTING, account_type=AccountType.CASH, msgbus=bus, cache=self.cache,
            clock=clock, reject_stop_orders=True, use_position_ids=False,
        )  # fmt: skip

    def hear(self, event) -> None:
        """Let the order know, as an execution engine would."""
        self.events.append(event)
        self.order.apply(event)

    def show(self, question) -> None:
        """Replace the book.

        This engine calls a book without one of its sides no market and fills nothing. A lot at the far end stands in on
        the side that the order does not meet.
        """
        deltas = [OrderBookDelta(self.instrument.id, BookAction.CLEAR, None, 0, 0, 0, 0)]
        bids, asks = question["bids"], question["asks"]
        if question["buys"]:
            bids = bids or [[question["tick"], "0.01"]]
        else:
            asks = asks or [[str(1 - Decimal(question["tick"])), "0.01"]]
        for side, levels in ((OrderSide.BUY, bids), (OrderSide.SELL, asks)):
            for price, size in levels:
                level = BookOrder(side, self.price(price), self.size(size), 0)
                deltas.append(OrderBookDelta(self.instrument.id, BookAction.ADD, level, 0, 0, 0, 0))
        self.engine.process_order_book_deltas(OrderBookDeltas(self.instrument.id, deltas))

    def price(self, text: str) -> Price:
        return Price.from_str(f"{Decimal(text):.{self.precision}f}")

    def size(self, text: str) -> Quantity:
        return Quantity.from_str(f"{Decimal(text):.{SIZE_PRECISION}f}")

    def fills(self, question) -> list[tuple[Decimal, Decimal]]:
        """Return what the engine fills of one order, immediate or cancel."""
        self.open()
        self.asked += 1
        self.order = LimitOrder(
            trader_id=TRADER, strategy_id=STRATEGY, instrument_id=self.instrument.id,
            client_order_id=ClientOrderId(f"O-{self.asked}"), order_side=OrderSide.BUY if question["buys"] else OrderSide.SELL,
            quantity=self.size(question["size"]), price=self.price(question["limit"]), init_id=UUID4(), ts_init=0,
            time_in_force=TimeInForce.IOC,
        )  # fmt: skip
        self.order.apply(
            OrderSubmitted(TRADER, STRATEGY, self.instrument.id, self.order.client_order_id, ACCOUNT, UUID4(), 0, 0)
        )
        self.cache.add_order(self.order)
        self.show(question)
        self.engine.process_order(self.order, ACCOUNT)
        return [
            (event.last_px.as_decimal(), event.last_qty.as_decimal()) for event in self.events if isinstance(event, OrderFilled)
        ]


def fee_of(fills, question) -> Decimal:
    """Return the published formula over one order: shares x rate x p (1 - p), rounded once."""
    exact = sum((size * Decimal(question["rate"]) * price * (1 - price) for price, size in fills), Decimal(0))
    step, how = STEPS[question["rounding"]]
    return (exact / step).to_integral_value(rounding=how) * step


def say(answer) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    say({"nautilus_trader": nautilus_trader.__version__, "python": sys.version.split()[0]})
    desks: dict[str, Desk] = {}
    for line in sys.stdin:
        question = json.loads(line)
        tick = question["tick"]
        if tick not in desks:
            desks[tick] = Desk(tick)
        fills = desks[tick].fills(question)
        say({"fills": [[str(p), str(s)] for p, s in fills], "fee": str(fee_of(fills, question))})


if __name__ == "__main__":
    main()
