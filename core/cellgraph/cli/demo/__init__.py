"""`cellgraph demo`: the quickstart notebook, run headless three times, and a report of it."""
