"""Between signal and order: multipliers, tripwires, constraints, guard; one ruling, one record."""
