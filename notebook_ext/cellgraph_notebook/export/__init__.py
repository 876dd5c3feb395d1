"""The notebook as a scheduled run: what is needed, as clean Python, with what fires it.

`reading` takes a notebook apart, `slicing` finds the cells that a target needs, `checks` refuses
what cannot work unattended, `flow` writes the Python, `bundle` puts it all into one folder whose
bytes depend on nothing but the notebook, and `targets` write what a scheduler wants.
"""
