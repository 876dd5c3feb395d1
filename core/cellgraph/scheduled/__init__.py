"""Exported runs carried out: loading the flow, attempts and their end, reports, alerts, backfill.

What such a run *is* stands in `exported`; the command line, a job on another machine and `%runs
again` call what is here.
"""
