"""Settled history for a new installation: asked piece by piece, kept as if it had been recorded, never twice."""

from agents.backfill.plan import HasPast, Piece
from agents.backfill.run import AGAIN_AFTER, Backfill, Backfilled, Step
from agents.backfill.shelving import Shelving

__all__ = ["AGAIN_AFTER", "Backfill", "Backfilled", "HasPast", "Piece", "Shelving", "Step"]
