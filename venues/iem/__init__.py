"""The Iowa Environmental Mesonet: reports of airports and climate reports, as far back as they go."""
