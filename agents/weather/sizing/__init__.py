"""How much of each bracket: growth-optimal stakes of one event, from liquidated wealth."""
