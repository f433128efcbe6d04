"""Keys that sign our assertions: made, read from a file, and their public half as a JWK Set (RFC 7517)."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.exceptions import PyJWTError

from service.errors import WrongUsage

Algorithm = Literal["RS384", "ES384"]
RSA_BITS = 3072
# What RFC 7638 takes a key's thumbprint of, in its order.
THUMBPRINT = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}
Jwk = dict[str, Any]


@dataclass(frozen=True)
class Key:
    """A private key, told of by its id and algorithm alone."""

    kid: str
    algorithm: Algorithm
    private: Any = field(repr=False)
    public: Jwk = field(repr=False)


def new_key(algorithm: Algorithm) -> Jwk:
    """A private key as JWK, with the thumbprint of RFC 7638 as its `kid`."""
    if algorithm == "RS384":
        jwk = RSAAlgorithm.to_jwk(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS), as_dict=True)
    else:
        jwk = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()), as_dict=True)
    jwk.pop("key_ops", None)
    return jwk | {"alg": algorithm, "use": "sig", "kid": thumbprint(jwk)}


def write_new_key(path: Path, algorithm: Algorithm) -> Key:
    """A new private key in a file that only its owner reads; one that is there already stays."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise WrongUsage("the file exists", where=str(path), do="name another, or remove it first") from error
    except OSError as error:
        raise WrongUsage(f"the key cannot be written: {error.strerror}", where=str(path), do="name another") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(new_key(algorithm))) + b"\n")
    return read_key(path)


def read_key(path: Path) -> Key:
    """The private JWK in a file."""
    try:
        jwk = msgspec.json.decode(path.read_bytes(), type=Jwk)
        algorithm = _algorithm(jwk)
        private = PyJWK(jwk, algorithm=algorithm).key
        kid = str(jwk.get("kid") or thumbprint(jwk))
    except (OSError, msgspec.MsgspecError, PyJWTError, ValueError, KeyError) as error:
        # What is wrong with it is not repeated: a parser's words may quote the key.
        raise _unreadable(path) from error
    if not hasattr(private, "private_numbers"):
        raise _unreadable(path)
    public = {name: jwk[name] for name in THUMBPRINT[jwk["kty"]]}
    return Key(kid, algorithm, private, {**public, "kid": kid, "alg": algorithm, "use": "sig"})


def jwk_set(keys: list[Key]) -> dict[str, list[Jwk]]:
    """What is registered with an authorization server: public halves only."""
    return {"keys": [key.public for key in keys]}


def thumbprint(jwk: Jwk) -> str:
    told = msgspec.json.encode({name: jwk[name] for name in THUMBPRINT[jwk["kty"]]}, order="sorted")
    return base64.urlsafe_b64encode(hashlib.sha256(told).digest()).rstrip(b"=").decode()


def _algorithm(jwk: Jwk) -> Algorithm:
    if jwk.get("kty") == "RSA":
        return "RS384"
    if (jwk.get("kty"), jwk.get("crv")) == ("EC", "P-384"):
        return "ES384"
    raise ValueError("neither RSA nor P-384")


def _unreadable(path: Path) -> WrongUsage:
    return WrongUsage(
        "this is no private key that can sign with RS384 or ES384",
        where=str(path),
        do="make one with `personalize keys new FILE`",
    )
