"""The magics: each parses its line, makes one call, and shows what comes back."""
