"""A notebook exported as a run: its schedule, its parameters, its bundle, and who fires it.

Read by `cellgraph run`, written by the notebook side, fired by targets of any package.
"""
