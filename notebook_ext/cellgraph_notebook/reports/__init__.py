"""Documents about runs: a page that opens from disk, and the executed notebook."""
