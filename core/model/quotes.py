"""What a guard looks at: known before any account is."""

from __future__ import annotations

from dataclasses import dataclass

from core.units import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Quotes:
    """Executable side of each instrument at each instant, best level first, padded with NaN price and zero size.

    Shapes: (n_instants, n_instruments, n_levels) for levels, (n_instants, n_instruments) for the rest.
    Prices [USD per share], sizes [shares], ages [s].
    """

    ask_price: FloatArray
    ask_size: FloatArray
    bid_price: FloatArray
    bid_size: FloatArray
    age: FloatArray  # of the book; inf: never seen
    sane: BoolArray  # False: crossed, sentinel or malformed
    print_price: FloatArray  # last print of this side; NaN: none
    print_age: FloatArray
    prints_only: BoolArray  # (n_instants, n_instruments) no books exist in this archive: graded descriptive
