"""What `script` is made of: names and values of variables, outputs, the process, its errors."""
