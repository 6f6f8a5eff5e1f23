"""A made-up world that speaks the outside services' wire formats: a pure function of (seed, instant)."""
