"""AWS Glue whose job runs are processes of this machine.

A definition is kept as it was said (`jobs`); StartJobRun makes a `Spec` of it (`requests`); the
`engine` moves runs through Glue's states; what GetJobRun shows is made of both (`views`).
"""
