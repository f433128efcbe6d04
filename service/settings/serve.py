"""What `personalize serve` may be told: its address, who is let in, what is shown, and how much of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from service.settings.addresses import Base
from service.settings.secrets import secret_text

Algorithm = Literal["RS384", "ES384", "RS256"]
By = Literal["visits", "charges", "liability"]


def _origin(url: str) -> str:
    """As a browser writes it: scheme, host, port, and nothing after them."""
    if url.count("/") != 2:
        raise ValueError(f"{url!r} is no origin, such as https://app.example.org")
    return url


Origin = Annotated[Base, AfterValidator(_origin)]


class Issuer(BaseModel):
    """An authorization server whose tokens are believed; by its keys, or by asking it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(description="`iss` of its tokens, to the letter")
    jwks_url: Base | Literal[""] = Field(default="", description="where its keys are; tokens are JWT then")
    introspection_url: Base | Literal[""] = Field(default="", description="where it is asked about tokens instead")
    client_id: str = Field(default="", description="whom it knows us as, when it is asked about tokens")
    client_secret: SecretStr | None = Field(default=None, description="goes with client_id, better kept in a file")
    client_secret_file: Path | None = Field(default=None, description="a file with that secret on one line")
    audience: str = Field(default="", description="`aud` of its tokens, where it is not our FHIR base")
    algorithms: tuple[Algorithm, ...] = Field(
        default=("RS384", "ES384", "RS256"), description="which signatures are believed"
    )
    authorization_endpoint: Base | Literal[""] = Field(default="", description="told to apps, for their launch")
    token_endpoint: Base | Literal[""] = Field(default="", description="told to apps")

    def secret(self) -> str:
        return secret_text("client_secret", self.client_secret, self.client_secret_file) or ""


class HookClient(BaseModel):
    """An EHR that may call CDS Hooks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(description="`iss` of its JWT, to the letter")
    jwks_url: Base = Field(description="where its keys are; a `jku` must be the same")


class Serve(BaseModel):
    """One FHIR base over the profiles of one source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Base | Literal[""] = Field(default="", description="the address that others reach it by; unset: host and port")
    host: str = Field(default="127.0.0.1", description="where it listens")
    port: int = Field(default=8000, ge=0, le=65535, description="0 takes a free one")
    auth: Literal["smart", "off"] = Field(
        default="smart", description="off lets everybody in, and listens on this machine alone"
    )
    patient: Literal["pointer", "whole"] = Field(
        default="pointer", description="whether a Patient is shown with its profile alone, or as the source gave it"
    )
    reports: tuple[By, ...] = Field(
        default=(), description="which rankings of patients are served, as List and MeasureReport"
    )
    origins: tuple[Origin, ...] = Field(default=(), description="of browser apps that may ask")
    requests_per_minute: int = Field(default=600, ge=1, description="of one client, before it is asked to wait")
    largest_body: int = Field(default=1_000_000, ge=1_000, description="bytes of a request that are read")
    refresh: float = Field(default=15, gt=0, description="seconds between looks at the lake for a newer run or review")
    share_profiles: float = Field(
        default=0,
        ge=0,
        description="seconds for which what was read stays in Redis, sealed, for all servers of one lake; 0 keeps "
        "nothing there, which is faster unless the lake is on network storage",
    )
    drain: float = Field(default=5, ge=0, description="seconds in which it is told not to be ready before it ends")
    metrics_token: SecretStr | None = Field(
        default=None, description="a bearer token for /metrics; unset: this machine alone may read them"
    )
    metrics_token_file: Path | None = Field(default=None, description="a file with that token on one line")
    app: Base | Literal[""] = Field(
        default="", description="where a SMART app of yours is launched; cards link it instead of ours"
    )
    app_client_id: str = Field(default="", description="as whom our app page is registered; unset: there is none")
    app_servers: tuple[Base, ...] = Field(
        default=(), description="FHIR bases besides ours that may launch it, such as the hospital's own"
    )
    issuers: dict[str, Issuer] = {}
    hooks: dict[str, HookClient] = {}

    @property
    def address(self) -> str:
        """By which others reach it, as far as that is known before it listens; empty where a port is drawn."""
        return self.url or (f"http://{self.host}:{self.port}" if self.port else "")

    def metrics_secret(self) -> str | None:
        return secret_text("metrics_token", self.metrics_token, self.metrics_token_file)
