"""A source's settings in, the httpx.Auth that lets its requests in out."""

from service.server.auth.auth import auth_of

__all__ = ["auth_of"]
