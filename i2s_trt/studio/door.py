"""Who may come in: hosts and origins that are the studio's own, and elsewhere than on this machine a token."""

import hmac
import ipaddress
import re
import socket
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs

from i2s_trt.studio.token import kept_token, own_token

COOKIE, HEADER, QUERY = "i2s-trt-studio", "x-studio-token", "token"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Door:
    """What is asked of a request.

    A page of somebody else's whose name was made to point here (DNS rebinding) has its own name as `Host`; a page that
    sends requests here from elsewhere has its own `Origin`. The port of `Host` proves nothing, for a browser names the
    one that it has connected to: behind a tunnel or a container it is another than the server's.

    Attributes:
        host: that the server is bound to.
        port: the same.
        token: that must be shown; empty for none, as on a loopback address, which only this machine reaches.
    """

    host: str
    port: int
    token: str = field(default="", repr=False)

    @classmethod
    def for_address(cls, host: str, port: int, folder: Path) -> "Door":
        """The door of an address, with the user's own token, or where others can reach it the one of the folder.

        Raises:
            UsageError: the user's own is easily guessed.
            EnvironmentFault: the folder's cannot be read or written.
        """
        return cls(host, port, own_token() or ("" if is_loopback(host) else kept_token(folder)))

    def admits_host(self, host: str) -> bool:
        """Whether `Host`, with any port, can be this server's.

        Without a token these are the names that nobody else can have made point here: the loopback ones, and the
        address that it is bound to. With one also any address in numbers, and any name that begins as this machine's
        does: whoever made such a name point here has no token to show.
        """
        match = _HOST.fullmatch(host.strip().lower())
        if match is None:
            return False
        name = match[1]
        if name in _LOOPBACK or name == self.host.lower():
            return True
        if not self.token:
            return False
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name.split(".")[0] == socket.gethostname().lower().split(".")[0]
        return True

    @staticmethod
    def admits_origin(origin: str | None, host: str) -> bool:
        """Whether a request comes from the studio's own page, or from no page at all."""
        if origin is None:
            return True
        return origin.strip().lower() in (f"http://{host.strip().lower()}", f"https://{host.strip().lower()}")

    def knows(self, headers: dict[str, str], query: str) -> bool:
        """Whether the token is shown: in a cookie, a header or the address."""
        if not self.token:
            return True
        shown = [headers.get(HEADER, ""), *parse_qs(query).get(QUERY, []), _cookie(headers.get("cookie", ""))]
        return any(hmac.compare_digest(text.encode(), self.token.encode()) for text in shown)

    def asks_with_token(self, query: str) -> bool:
        """Whether the address holds the token, which then goes into a cookie."""
        return bool(self.token) and QUERY in parse_qs(query)


def _cookie(text: str) -> str:
    try:
        morsel = SimpleCookie(text).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
