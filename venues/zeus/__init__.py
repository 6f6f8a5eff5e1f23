"""The Zeus forecast service: one variable of one place, for holders of a key."""
