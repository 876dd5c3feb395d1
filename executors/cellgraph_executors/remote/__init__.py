"""Calls that run as jobs on other machines: what every such service has in common."""
