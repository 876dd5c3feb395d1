"""Spark steps: on this machine, and whatever a Spark driver elsewhere needs to run one."""
