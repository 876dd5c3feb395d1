"""Settings become a store: a folder, or a bucket with its local tier."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from cellgraph.errors import ConfigError
from cellgraph.settings import Settings
from cellgraph.stores.base import Store
from cellgraph.stores.policy import checked_mode, policy_for
from cellgraph.suggest import closest
from cellgraph.vouched import data_only, whole

_GIB: Final = 1 << 30
# Names and types of the section `s3`.
_S3: Final[Mapping[str, tuple[type, ...]]] = {
    "requester_pays": (bool,),
    "kms_key": (str,),
    "tier_gib": (int, float),
}


def open_store(settings: Settings, say: Callable[[str], None]) -> Store:
    """Open the store that *settings* name. *say* is told, on any thread, what people should know.

    Raises ConfigError for a bad setting, StoreError when the store cannot be opened.
    """
    where = settings.store
    mode = checked_mode(settings.trust)
    if where.startswith("s3://"):
        return _in_bucket(settings, say)
    for name in ("profile", "region", "s3"):
        if getattr(settings, name):
            raise ConfigError(f"{name}= says how an S3 store is asked, and store={where!r} is none")
    from cellgraph.stores.local import LocalStore

    folder = Path(where).expanduser() if where else Path(settings.project) / ".cellgraph"
    # Nobody else is known to write there; who wants no code at all gets none from there either.
    return LocalStore(folder, judge=data_only if mode == "safe" else whole)


def _in_bucket(settings: Settings, say: Callable[[str], None]) -> Store:
    said = _checked(settings.s3)
    from cellgraph.stores.s3 import Access, S3Store
    from cellgraph.stores.s3.store import TIER_BYTES

    access = Access(
        profile=settings.profile,
        region=settings.region,
        requester_pays=bool(said.get("requester_pays", False)),
        kms_key=str(said.get("kms_key", "")),
    )
    policy = policy_for(settings.store, settings.trust)
    if policy.mode == "signed" and policy.signer is None:
        say("what is computed here is not signed, so others will not use it: cellgraph key --make")
    tier_bytes = int(said["tier_gib"] * _GIB) if "tier_gib" in said else TIER_BYTES
    return S3Store(settings.store, access=access, tier_bytes=tier_bytes, policy=policy, say=say)


def _checked(section: object) -> Mapping[str, Any]:
    if not isinstance(section, Mapping):
        raise ConfigError(f"s3={section!r}: expected a section with {', '.join(_S3)}")
    said: dict[str, Any] = {}
    for name, value in cast("Mapping[str, Any]", section).items():
        if name not in _S3:
            raise ConfigError(f"unknown setting s3.{name}{closest(str(name), tuple(_S3))}")
        if type(value) not in _S3[name]:
            expected = " or ".join(kind.__name__ for kind in _S3[name])
            raise ConfigError(f"s3.{name}={value!r}: expected {expected}")
        if name == "tier_gib" and value <= 0:
            raise ConfigError(f"s3.tier_gib={value!r}: expected a size above 0")
        said[name] = value
    return said
