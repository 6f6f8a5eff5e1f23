"""The weather desk: what is known, what is believed of it, what is wanted."""
