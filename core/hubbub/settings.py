"""Read the environment once: validated, frozen, with the same errors for every command."""

import ipaddress
import re
import secrets
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from hubbub.sdk.errors import HubError

_PREFIX: Final = "HUBBUB_"
#: What is no setting: `hubbub.steps` reads it where tests let a process die.
_FOR_TESTS: Final = frozenset({"DIE_AT"})
_REDIS: Final = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
_SENTINEL_PATH: Final = re.compile(r"/[^/]+(/[0-9]{1,4})?")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class BadSettings(HubError):
    """The environment or a file of ours holds what cannot be used; the text says which."""

    code = "bad_settings"


def known_database(value: str) -> str:
    """Return the URL of a database as we use it.

    Raises `ValueError` with a reason, which quotes nothing that may be of a password.
    """
    scheme, found, _ = value.partition("://")
    if scheme not in {"sqlite", "postgresql", "postgresql+psycopg"} or not found:
        wrong = f"the scheme {scheme!r}" if found else "what it begins with"
        raise ValueError(f"{wrong} is not one of sqlite:///..., postgresql+psycopg://...")
    try:
        make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError(
            "it must read postgresql+psycopg://user:password@host:5432/database, and of the "
            "password @, : and / are written as %40, %3A and %2F"
        ) from None
    return value.replace("postgresql://", "postgresql+psycopg://", 1)


#: Characters of a secret key.
_SHORTEST_KEY: Final = 16
#: The kinds of work that `hubbub worker` does.
QUEUES: Final = ("inbound", "outbound", "bulk", "media", "default")
#: Threads of a web process beside those that streams of chat windows hold: webhooks, the API and
#: the console must always find one.
THREADS: Final = 128


class Settings(BaseSettings):
    """What operators decide. Each field is the environment variable ``HUBBUB_<FIELD>``."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    data_dir: Path = Path("var")
    database_url: str = Field("", repr=False)
    redis_url: str = Field("", repr=False)
    secret_key: str = Field("", repr=False)
    public_url: str = ""
    plugins_file: Path = Path("plugins.toml")
    media_url: str = ""
    allow_private_networks: str = ""
    trusted_proxies: str = ""
    #: Where the provider simulators are, if there are any: `hubbub up --demo` says so.
    sandbox_url: str = ""
    #: Days; 0: for ever.
    keep_calls: int = Field(30, ge=0, le=36_500)
    keep_dead_calls: int = Field(90, ge=0, le=36_500)
    keep_audit: int = Field(365, ge=0, le=36_500)
    #: Streams of chat windows in one web process, each of which holds a thread.
    streams: int = Field(256, ge=1, le=20_000)
    log_format: Literal["console", "json", ""] = ""
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)

    @classmethod
    def read(cls, **given: object) -> Self:
        """Return the settings of this process; ``given`` (from the command line) goes first.

        Raises `BadSettings` with one sentence that names the variable.
        """
        try:
            return cls(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]  # checked by pydantic
        except ValidationError as error:
            first = error.errors()[0]
            name = _PREFIX + str(first["loc"][0]).upper()
            reason = first["msg"].removeprefix("Value error, ")
            raise BadSettings(f"{name} cannot be used: {reason}.") from None

    @field_validator("data_dir", "plugins_file")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        keys = _listed(value)
        if value and (not keys or min(map(len, keys)) < _SHORTEST_KEY):
            raise ValueError(
                f"a key of fewer than {_SHORTEST_KEY} characters protects nothing; "
                "`openssl rand -hex 32` makes a good one"
            )
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        return known_database(value) if value else value

    @field_validator("redis_url")
    @classmethod
    def _known_redis(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and parts.scheme not in _REDIS:
            raise ValueError(
                f"it must begin with one of {', '.join(f'{one}://' for one in _REDIS)}"
            )
        if parts.scheme.endswith("+sentinel") and not _SENTINEL_PATH.fullmatch(parts.path):
            raise ValueError(
                "behind the sentinels it must name the service: /service or /service/0"
            )
        return value

    @field_validator("public_url", "sandbox_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("it must be a web address such as https://hub.example.com")
        if parts.query or parts.fragment:
            raise ValueError("it must have no query and no fragment")
        return value.rstrip("/")

    @field_validator("allow_private_networks", "trusted_proxies")
    @classmethod
    def _readable_networks(cls, value: str) -> str:
        _networks(value)
        return value

    @field_validator("media_url")
    @classmethod
    def _known_media(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"file", "s3", "memory"}:
            raise ValueError("it must begin with file:// or s3://")
        return value

    @cached_property
    def database(self) -> str:
        """The address of the database."""
        return self.database_url or f"sqlite:///{self.data_dir / 'hubbub.db'}"

    @cached_property
    def redis(self) -> str:
        """The address of Redis; the embedded one's socket where none is named."""
        return self.redis_url or f"unix://{self.data_dir / 'valkey.sock'}"

    @cached_property
    def media(self) -> str:
        """The address of the media store."""
        return self.media_url or f"file://{self.data_dir / 'media'}"

    @cached_property
    def base_url(self) -> str:
        """How the outside reaches us, without a slash at the end."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104  # compared, not bound
        return self.public_url or f"http://{host}:{self.port}"

    @cached_property
    def private_networks(self) -> tuple[Network, ...]:
        """The private networks that outgoing calls may reach."""
        return _networks(self.allow_private_networks)

    @cached_property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of the proxies whose word we take for who asked."""
        return _networks(self.trusted_proxies)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The secret keys, the one that encrypts first; made and kept on first use.

        `hubbub.keyring` asks whether one may be made. Raises `BadSettings` when the key file cannot
        be written.
        """
        if self.secret_key:
            return _listed(self.secret_key)
        return (_kept_key(self.key_file),)

    @cached_property
    def key_file(self) -> Path:
        """Where the key is kept that is made when none is given."""
        return self.data_dir / "secret.key"

    @cached_property
    def logs_json(self) -> bool:
        """Whether logs are JSON: unless they go to a terminal."""
        return self.log_format != "console" and (
            self.log_format == "json" or not sys.stderr.isatty()
        )


def unknown_variables(names: Iterable[str]) -> dict[str, str]:
    """Return which of ``names`` look like ours and mean nothing, each with what may be meant."""
    known = [field.upper() for field in Settings.model_fields]
    ours = {name: name.upper().removeprefix(_PREFIX) for name in names if _is_ours(name)}
    closest = {name: get_close_matches(rest, known, n=1) for name, rest in ours.items()}
    return {
        name: _PREFIX + found[0] if found else ""
        for name, found in closest.items()
        if ours[name] not in {*known, *_FOR_TESTS}
    }


def _is_ours(name: str) -> bool:
    return name.upper().startswith(_PREFIX)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(item, strict=False) for item in _listed(text))


def _kept_key(path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Several processes may start at once: only one of them can create the file.
        fresh = path.with_name(f".{secrets.token_hex(8)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise BadSettings(
            f"HUBBUB_DATA_DIR cannot be used: {error.strerror or error} ({path.parent})."
        ) from None
