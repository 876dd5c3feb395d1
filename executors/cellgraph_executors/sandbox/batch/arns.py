"""Names of things in Batch, in the form AWS gives them."""

from typing import Final

ACCOUNT: Final = "123456789012"  # moto's own
REGION: Final = "us-east-1"


def arn(kind: str, name: str) -> str:
    """The ARN of something in Batch: `job-queue`, `job-definition`, `job`, ..."""
    return f"arn:aws:batch:{REGION}:{ACCOUNT}:{kind}/{name}"


def short(kind: str, said: str) -> str:
    """The name that *said*, a name or an ARN, stands for."""
    return said.removeprefix(arn(kind, ""))
