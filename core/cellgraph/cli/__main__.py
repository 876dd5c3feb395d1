"""``python -m cellgraph.cli`` is the command ``cellgraph``."""

from cellgraph.cli import main

if __name__ == "__main__":
    main()
