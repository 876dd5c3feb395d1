"""Where calls run: executors for this machine and for AWS."""
