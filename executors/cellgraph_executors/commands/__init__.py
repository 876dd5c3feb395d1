"""What this package adds to the command line. Each module is light until its command runs."""
