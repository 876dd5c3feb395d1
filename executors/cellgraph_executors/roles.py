"""What `cellgraph doctor` says of a role: whether it is there, and whose it may be."""

from typing import Any

from cellgraph_executors.aws import AwsFault, Clients, asking

# Level ("ok", "missing" or "broken"), detail, what to do.
Found = tuple[str, str, str]


def role_found(clients: Clients, setting: str, said: str, service: str, who: str) -> Found:
    """Whether *service* may take the role *said* (an ARN or a name) of *setting*; *who* is what
    people call it."""
    name = said.rpartition("/")[2]
    try:
        with asking():
            role: Any = clients.client("iam", once=True).get_role(RoleName=name)["Role"]
    except AwsFault as fault:
        return "missing", f"{setting} could not be looked at ({fault})", f"check that {said} exists"
    if service not in str(role.get("AssumeRolePolicyDocument", "")):
        detail = f"{setting}: {who} cannot take the role {name}"
        return "broken", detail, f"let {service} assume it"
    return "ok", f"{setting}: {who} can take the role {name}", ""
