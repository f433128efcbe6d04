"""`personalize.toml` and the environment in, typed settings out; secrets stay masked."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from service.errors import WrongUsage
from service.settings.addresses import Base, normal_base
from service.settings.jobs import Jobs
from service.settings.own import Own
from service.settings.secrets import secret_text
from service.settings.serve import Serve

CONFIG_FILE = Path("personalize.toml")
LOCAL_INSTALLATION = "local"

WriteRung = Literal["patient", "observation", "flag", "document", "none"]

ReviewRule = Literal["none", "intensive", "all"]
PullBy = Literal["auto", "search", "bulk"]


def _whole_label(text: str) -> str:
    system, bar, code = text.partition("|")
    if not (system and bar and code) or "|" in code:
        raise ValueError(f"{text!r} is no system|code, such as http://hospital.example/labels|vip")
    return text


# What can be looked at again here, for a server may ignore it; dates of Encounter, `created` of the others.
TYPE_FILTER = re.compile(
    r"(Encounter\?(&?(status=[a-z-]+|date=(ge|gt|le|lt)\d{4}(-\d\d(-\d\d)?)?))+"
    r"|(Claim|ClaimResponse|ExplanationOfBenefit)\?(&?(status=[a-z-]+|created=(ge|gt|le|lt)\d{4}(-\d\d(-\d\d)?)?))+)"
)


def _type_filter(text: str) -> str:
    """https://hl7.org/fhir/uv/bulkdata/STU2/export.html#_typefilter-experimental-query-parameter"""
    if not TYPE_FILTER.fullmatch(text):
        raise ValueError(f"{text!r} is no query by status, date or created, such as Encounter?date=ge2020-01-01")
    return text


def share_or_count(value: object) -> int | float:
    """0.2 and 20% are a share of all, 50 is a number of patients; 1.0 is everybody, 1 is one."""
    text = str(value).strip()
    try:
        number = float(text[:-1]) / 100 if text.endswith("%") else float(text) if "." in text else int(text)
    except ValueError:
        number = -1
    if number < 0 or (isinstance(number, float) and not number <= 1):
        raise ValueError(f"{text!r} is neither a share such as 0.2 or 20%, nor a number of patients such as 50")
    return number


ShareOrCount = Annotated[int | float, BeforeValidator(share_or_count)]
Label = Annotated[str, AfterValidator(_whole_label)]
TypeFilter = Annotated[str, AfterValidator(_type_filter)]


def _cron(text: str) -> str:
    try:
        CronSim(text, dt.datetime.now(dt.UTC)) if text else None
    except CronSimError as error:
        raise ValueError(f"{text!r} is no cron expression such as 30 2 * * *: {error}") from error
    return text


Schedule = Annotated[str, AfterValidator(_cron)]


class Source(BaseModel):
    """One FHIR server. `configured` is true only for those named in `personalize.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Base = Field(description="its FHIR base address")
    name: str = ""
    configured: bool = False
    also_read: tuple[str, ...] = ()  # types that the hospital's own views are of
    time_zone: str = Field(default="UTC", description="whose days and hours count, by its name in the IANA list")
    write: WriteRung = Field(
        default="observation", description="how far writing may go; patient changes a legal record"
    )
    token: SecretStr | None = Field(default=None, description="a bearer token, better kept in a file")
    token_file: Path | None = Field(default=None, description="a file with a bearer token on one line")
    username: str = Field(default="", description="for HTTP Basic, with password or password_file")
    password: SecretStr | None = Field(default=None, description="goes with username, better kept in a file")
    password_file: Path | None = Field(default=None, description="a file with the password on one line")
    client_id: str = Field(default="", description="for SMART Backend Services, with key_file")
    key_file: Path | None = Field(default=None, description="the private key, as `personalize keys new` makes it")
    scopes: str = Field(default="", description="instead of read and search of what is pulled, and what is written")
    token_url: str = Field(default="", description="where the server's smart-configuration does not name it")
    audience: str = Field(default="", description="aud of the assertion, where it is not the token_url")
    in_flight: int = Field(default=4, ge=1, le=64, description="requests on their way at once, at most")
    requests_per_second: float | None = Field(default=None, gt=0, description="no more than so many are sent")
    page_size: int = Field(default=500, ge=1, le=10_000, description="resources asked for in a page")
    overlap: int = Field(
        default=300, ge=0, description="seconds before the last reading of which changes are asked for once more"
    )
    pull: PullBy = Field(default="auto", description="by search or by bulk export; auto sees what fits, and says why")
    bulk_group: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.-]*$",
        description="the id of the Group whose members an export is of; unset: all patients",
    )
    bulk_system: bool = Field(
        default=False, description="export the whole system, the heaviest request there is, instead of its patients"
    )
    bulk_origins: tuple[Base, ...] = Field(
        default=(), description="other origins that keep the files of exports; a token goes there where it is required"
    )
    bulk_filters: tuple[TypeFilter, ...] = Field(
        default=(),
        description="_typeFilter of exports, by status, date or created, such as Encounter?date=ge2020-01-01",
    )
    max_failures: float = Field(default=0.1, gt=0, le=1, description="apply stops beyond this share of patients")
    review: ReviewRule = Field(default="none", description="whose profile counts only once a person accepted it")
    algorithm: int | None = Field(
        default=None, ge=0, description="the major version whose panels count; unset: the one that stands there first"
    )
    apply: bool = Field(default=False, description="jobs and scheduled runs write what they planned")
    full_at: Schedule = Field(default="", description="cron expression, in time_zone: all of it is read and derived")
    incremental_at: Schedule = Field(default="", description="the same of a run that reads what changed")
    changes_at: Schedule = Field(
        default="", description="the same of a look at what changed, whose patients are then derived one by one"
    )
    notify_topics: tuple[str, ...] = Field(
        default=(), description="canonical URLs of topics, for R5 and the Backport; unset: by R4's criteria"
    )
    notify_content: Literal["empty", "id-only", "full-resource"] = Field(
        default="empty", description="what a notification may carry; empty lets nothing of anybody leave the server"
    )
    notify_days: float = Field(default=7, gt=0, description="until a Subscription ends unless it is renewed")
    sandbox: bool = Field(default=False, description="a server for trying things out: `try` may use it")
    admin: bool = Field(default=False, description="`profiles install` may put definitions on this server")
    opt_out_group: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.-]*$",
        description="the id of a Group of patients who are never profiled",
    )
    opt_out_tag: Label | Literal[""] = Field(default="", description="system|code on Patients who are never profiled")
    sensitive_labels: tuple[Label, ...] = Field(
        default=(), description="labels, system|code, that hide a visit or claim as R and V do"
    )
    aliases: tuple[Base, ...] = Field(default=(), description="other addresses of this very server")
    adjudications: Path | None = Field(default=None, description="what this source's payers mean by codes of their own")
    max_changes: int | None = Field(default=None, ge=0, description="patients that one run may write about")
    max_level_changes: ShareOrCount | None = Field(default=None, description="a share of the levels, or how many")
    max_removals: int = Field(default=0, ge=0, description="panels removed because their patient is gone")

    @field_validator("time_zone")
    @classmethod
    def known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is no time zone of the IANA list, such as Europe/Zurich") from error
        return name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def id(self) -> str:
        """Stable across hosts when named; else the normalised base URL."""
        return self.name or self.url

    @property
    def bases(self) -> tuple[str, ...]:
        """The addresses that are this very server's, as far as its owner told."""
        return (self.url, *self.aliases)

    def bearer(self) -> str | None:
        """The token, fit to be a header; what does not fit is told without being shown."""
        token = self._token()
        if token is not None and not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", token):
            raise WrongUsage(
                "the token holds characters that no bearer token has",
                where=str(self.token_file or f"sources.{self.name}.token"),
                do="put one token there, on one line, and nothing else",
            )
        return token

    def _token(self) -> str | None:
        return secret_text("token", self.token, self.token_file)

    def basic(self) -> str:
        """The password that goes with `username`."""
        password = secret_text("password", self.password, self.password_file)
        if password is None:
            raise WrongUsage("username without password", where=f"sources.{self.name}", do="set password_file as well")
        return password


class Settings(BaseSettings):
    """Environment wins over the file: PERSONALIZE_INSTALLATION, PERSONALIZE_SOURCES__HOSPITAL__TOKEN, ..."""

    model_config = SettingsConfigDict(
        env_prefix="PERSONALIZE_", env_nested_delimiter="__", toml_file=CONFIG_FILE, extra="forbid", frozen=True
    )

    installation: str = Field(
        default=LOCAL_INSTALLATION,
        pattern=r"^[A-Za-z0-9.-]{1,48}$",
        description="the name of this installation, for good: it is part of every id that is written",
    )
    sources: dict[str, Source] = {}
    policy: Path | None = Field(default=None, description="instead of the shipped policy of levels and pathways")
    redis_url: SecretStr | None = Field(
        default=None,
        description="where machines that share a source keep their locks, what each client of `serve` asked, and what "
        "`serve.share_profiles` keeps",
    )
    catalog_url: SecretStr | None = Field(
        default=None, description="a PostgreSQL where several machines share the catalog; unset: a file in the lake"
    )
    traces_url: Base | None = Field(
        default=None, description="an OpenTelemetry collector that takes OTLP over HTTP; unset: nothing is traced"
    )
    engine: Literal["duckdb", "spark"] = Field(default="duckdb", description="what computes: embedded, or Apache Spark")
    duckdb_memory: str = Field(
        default="3GiB",
        pattern=r"^[1-9]\d*(MiB|GiB)$",
        description="what DuckDB may take before it spills into the lake; the whole process takes a third more",
    )
    spark_master: str = Field(default="local[*]", description="where Spark runs, such as local[4] or spark://host:7077")
    spark: dict[str, str] = Field(
        default={}, description="more of Spark's own settings, by their names, such as spark.executor.memory"
    )
    jobs: Jobs = Jobs()
    serve: Serve = Serve()
    own: Own = Own()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def source(self, server: str) -> Source:
        """A name from the file, an address that the file names, or any other address, which is then unconfigured."""
        if server in self.sources:
            return self._named(server)
        try:
            base = normal_base(server)
        except ValueError as error:
            known = ", ".join(sorted(self.sources)) or "none"
            raise WrongUsage(
                f"{server!r} is neither an http address nor a source in {CONFIG_FILE}",
                do=f"give a FHIR base address; sources known: {known}",
            ) from error
        named = [name for name, source in self.sources.items() if source.url == base]
        return self._named(named[0]) if named else Source(url=base)

    def redis(self) -> str | None:
        return self.redis_url.get_secret_value() if self.redis_url else None

    def catalog(self) -> str | None:
        return self.catalog_url.get_secret_value() if self.catalog_url else None

    def _named(self, name: str) -> Source:
        return self.sources[name].model_copy(update={"name": name, "configured": True})


def load() -> Settings:
    """Settings of this directory; a mistake in them is a WrongUsage that names the key."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise WrongUsage(f"{key}: {first['msg']}", where=str(CONFIG_FILE), do="mend that setting") from None
    except ValueError as error:
        raise WrongUsage(f"not TOML: {error}", where=str(CONFIG_FILE), do="mend the file") from error
