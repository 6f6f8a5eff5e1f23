"""What is left of the books that an order would meet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agents.transmission.offers import ASKS, BIDS, siblings_of, taken_of
from core.model.event import Side
from core.model.orders import Level
from core.units import MICRO
from tests.agents.transmission.builders import NORMAL, Market, account_of, instrument_of, look, settings_of

YES, NO = instrument_of(), instrument_of(side=Side.NO)
PRICE, SHOWN = np.array([[700_000, 680_000]]), np.array([[100 * MICRO, 50 * MICRO]])


def test_both_tokens_of_a_bracket_are_siblings() -> None:
    assert siblings_of([YES, NO, instrument_of("paris")]) == {YES.token: NO.token, NO.token: YES.token}


def test_what_was_taken_of_yes_is_missing_among_the_bids_for_no() -> None:
    """60 of the 100 offered at 0.30 are 60 of the 100 bid at 0.70; another size shown is another book."""
    mine = {(0, YES.token, ASKS): (Level(300_000, 100 * MICRO, 60 * MICRO), Level(320_000, 51 * MICRO, 9 * MICRO))}
    places, pairs = {NO.token: 0}, siblings_of([YES, NO])

    assert taken_of(mine, 1, PRICE, SHOWN, places, BIDS, pairs).tolist() == [[[60 * MICRO, 0]]]
    assert taken_of(mine, 1, PRICE, SHOWN, places, ASKS, pairs).tolist() == [[[0, 0]]]
    assert taken_of(mine, 1, PRICE, SHOWN, places, BIDS).tolist() == [[[0, 0]]]


def test_a_purchase_counts_what_was_sold_to_the_same_level_by_its_other_name() -> None:
    """Bids for NO at 0.70 took 20 of the 100 that are offered at 0.30: a quarter of 100 less 20 is left."""
    market = Market(YES, asks=((0.30, 100.0),))
    taken = {(0, NO.token, BIDS): (Level(700_000, 100 * MICRO, 20 * MICRO),)}
    nothing = np.zeros((1, 2), np.int64)
    account = replace(
        account_of(), instruments=(YES, NO), held_micro=nothing, cost_micro=nothing, claim_micro=nothing, taken=taken
    )

    assert look([market], account, settings_of(NORMAL)).shares == {YES.token: 5.0}
