"""What a result is filed under: identity of values and of code."""
