"""What a position may reach: worst-case loss by group, cash, ceilings."""
