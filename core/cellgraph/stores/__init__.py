"""Where records and payloads live."""
