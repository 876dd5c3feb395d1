"""Calls as AWS Batch jobs."""
