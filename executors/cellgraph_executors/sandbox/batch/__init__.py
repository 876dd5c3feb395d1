"""AWS Batch whose jobs are processes of this machine.

A request becomes a `Spec` (`requests`); the `engine` moves jobs through Batch's states and reports
each change to the `board`; DescribeJobs and ListJobs read the board alone, which may lag.
"""
