"""FHIRPath text in, a syntax tree out; it knows no FHIR. http://hl7.org/fhirpath/N1/"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, Tree, UnexpectedEOF, UnexpectedInput, v_args

from service.flatten.views.problems import PathProblem

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
SUPPORTED = "write it as SQL on FHIR's subset of FHIRPath allows"


@dataclass(frozen=True)
class Node:
    """`at` is the character, from 0, that a person is pointed to."""

    at: int = field(compare=False)


@dataclass(frozen=True)
class This(Node):
    pass


@dataclass(frozen=True)
class Literal(Node):
    """`type` as FHIR names it."""

    value: Any
    type: str


@dataclass(frozen=True)
class Constant(Node):
    name: str


@dataclass(frozen=True)
class Member(Node):
    of: Node
    name: str


@dataclass(frozen=True)
class Call(Node):
    of: Node
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Index(Node):
    of: Node
    index: Node


@dataclass(frozen=True)
class Binary(Node):
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Negative(Node):
    of: Node


def parse(path: str) -> Node:
    """Raises PathProblem where the text is no such expression."""
    try:
        tree = _grammar().parse(path)
    except UnexpectedInput as error:
        raise _unexpected(error, path) from error
    return _Builder().transform(tree)


def _unexpected(error: UnexpectedInput, path: str) -> PathProblem:
    ended = isinstance(error, UnexpectedEOF) or getattr(getattr(error, "token", None), "type", "") == "$END"
    at = len(path) if ended or error.pos_in_stream is None else error.pos_in_stream
    return PathProblem("the path ends too early" if ended else "this is no FHIRPath", at=at, do=SUPPORTED)


@cache
def _grammar() -> Lark:
    return Lark.open("fhirpath.lark", rel_to=__file__, parser="lalr", propagate_positions=True)


def _name(token: Token) -> str:
    return str(token).removeprefix("%").strip("`")


def _start(token: Token) -> int:
    return token.start_pos or 0


@v_args(inline=True)
class _Builder(Transformer[Token, Node]):
    def start(self, expression: Node) -> Node:
        return expression

    def or_(self, left: Node, right: Node) -> Node:
        return Binary(left.at, "or", left, right)

    def and_(self, left: Node, right: Node) -> Node:
        return Binary(left.at, "and", left, right)

    def binary(self, left: Node, operator: Token, right: Node) -> Node:
        return Binary(_start(operator), str(operator), left, right)

    def polarity(self, sign: Token, of: Node) -> Node:
        return Negative(_start(sign), of) if sign == "-" else of

    def member(self, of: Node, name: Token) -> Node:
        return Member(_start(name), of, _name(name))

    def first_member(self, name: Token) -> Node:
        return self.member(This(_start(name)), name)

    def call(self, of: Node, name: Token, arguments: tuple[Node, ...]) -> Node:
        return Call(_start(name), of, _name(name), arguments)

    def first_call(self, name: Token, arguments: tuple[Node, ...]) -> Node:
        return self.call(This(_start(name)), name, arguments)

    def index(self, of: Node, index: Node) -> Node:
        return Index(index.at, of, index)

    def arguments(self, *nodes: Node | None) -> tuple[Node, ...]:
        return tuple(node for node in nodes if node is not None)

    @v_args(inline=False, meta=True)
    def this(self, meta: Any, _children: list[Tree[Any]]) -> Node:
        return This(meta.start_pos if not meta.empty else 0)

    def constant(self, token: Token) -> Node:
        return Constant(_start(token), _name(token))

    def string(self, token: Token) -> Node:
        return Literal(_start(token), _unescaped(str(token)[1:-1]), "string")

    def decimal(self, token: Token) -> Node:
        return Literal(_start(token), Decimal(token), "decimal")

    def integer(self, token: Token) -> Node:
        return Literal(_start(token), int(token), "integer")

    def boolean(self, token: Token) -> Node:
        return Literal(_start(token), str(token) == "true", "boolean")

    def date_time(self, token: Token) -> Node:
        return Literal(_start(token), str(token)[1:].removesuffix("T"), "dateTime")

    def date(self, token: Token) -> Node:
        return Literal(_start(token), str(token)[1:], "date")

    def time(self, token: Token) -> Node:
        return Literal(_start(token), str(token)[2:], "time")


def _unescaped(text: str) -> str:
    out, characters = [], iter(text)
    for character in characters:
        if character != "\\":
            out.append(character)
            continue
        escaped = next(characters)
        code = "".join(next(characters, "") for _ in range(4)) if escaped == "u" else ""
        out.append(chr(int(code, 16)) if code else ESCAPES.get(escaped, escaped))
    return "".join(out)
