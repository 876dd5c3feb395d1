"""The executor `glue`: calls as runs of AWS Glue jobs. What runs in Glue is `glue.driver`."""
