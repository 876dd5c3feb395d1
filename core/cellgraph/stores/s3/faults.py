"""What a request to a bucket may end in besides success. Raised by `bucket`, met by the rest.

The text of each is written for people and holds nothing but names, codes and advice: never what a
server or library said, which may repeat parts of credentials.
"""


class S3Fault(Exception):
    """A request did not succeed."""


class Unreachable(S3Fault):
    """No answer, or one that says to try later: offline, throttled, a server's own error."""


class Unauthorised(S3Fault):
    """Credentials are missing, wrong or have expired."""


class Refused(S3Fault):
    """The answer is no: access denied, no such bucket, an unknown key for encryption."""


class Absent(S3Fault):
    """There is no such object."""


class Taken(S3Fault):
    """A conditional put lost: the object is there already."""
