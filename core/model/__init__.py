"""The nouns of the business: frozen values, one definition each."""
