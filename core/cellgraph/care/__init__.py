"""The care of a store: what is in it, whether it is whole, what may go, what must stay."""

from cellgraph.care.care import Care

__all__ = ["Care"]
