"""Exported runs fired by Amazon EventBridge Scheduler, carried out as jobs of AWS Batch."""
