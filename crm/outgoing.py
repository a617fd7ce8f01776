"""The one door for requests to addresses that somebody else chose: partners, staff, imports.

A name is resolved once, every address that it has must be global unicast, and the connection goes
to that very address: an answer of the name server that changes afterwards changes nothing. No
redirect is followed, no proxy of the environment asked, and time and size have an end.

Servers that the operator names in the environment (the mail server, a language model on the same
machine) do not come through here: whoever writes the settings may reach them anyway.
"""

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import quote, urlsplit

import httpcore
import httpx
from django.conf import settings
from django.utils.translation import gettext as _

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
MOST_BYTES = 64 * 1024  # of an answer; what comes after is not read
LONGEST_URL = 500
PIECE = 4096

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)*{_LABEL}")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)")
_GLOBAL = IPv6Network("2000::/3")  # all that is given out as global unicast
_EMBEDS_LOW = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))  # NAT64, compatible
_NEVER = tuple(
    ip_network(text)
    for text in (
        "192.88.99.0/24",  # relays of 6to4
        "2001::/32",  # Teredo: the address of a stranger's server and of a client
        "3fff::/20",  # documentation, which Python before 3.13 takes for global
    )
)


class Refused(Exception):
    """This address is not to be asked. Nothing was sent."""


class Unreachable(Exception):
    """Nobody answers there. Nothing was taken."""


class NoAnswer(Exception):
    """It broke off, or took too long, after the request was begun: it may have been taken."""


@dataclass(frozen=True)
class Target:
    """An address that was read once and is used as it was read."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in small letters
    body: bytes  # at most as many bytes as were asked for
    is_whole: bool

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def check(url: str) -> Target:
    """Read an address. Raises Refused with the reason; a name is not looked up here."""
    if not isinstance(url, str) or not url or len(url) > LONGEST_URL:
        raise Refused(_("an address has 1 to %(most)s characters") % {"most": LONGEST_URL})
    if not url.isprintable() or "\\" in url or " " in url:
        raise Refused(_("there are characters in the address that do not belong there"))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused(_("the address cannot be read")) from None
    allowed = ("https", "http") if settings.OUTGOING_HTTP else ("https",)
    if parts.scheme not in allowed:
        raise Refused(_("only %(schemes)s is allowed") % {"schemes": ", ".join(allowed)})
    if "@" in parts.netloc:
        raise Refused(_("no user name and no password may stand in the address"))
    port = port if port is not None else {"https": 443, "http": 80}[parts.scheme]
    if port not in settings.OUTGOING_PORTS:
        known = ", ".join(map(str, settings.OUTGOING_PORTS))
        raise Refused(_("port %(port)s is none of %(known)s") % {"port": port, "known": known})
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, _host(parts.hostname or ""), port, _ascii(path))


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    connect: float = CONNECT_SECONDS,
    total: float = TOTAL_SECONDS,
    most: int = MOST_BYTES,
) -> Answer:
    """Send `body`; whatever is answered comes back, redirects and errors too.

    `connect`, `total`: seconds until a connection stands, and until the answer has been read;
    looking up the name is part of both. Raises Refused, Unreachable or NoAnswer.
    """
    target = check(url)
    backend = _Backend(connect=connect, until=time.monotonic() + total)
    where = httpcore.URL(
        scheme=target.scheme.encode(),
        host=target.host.encode(),
        port=target.port,
        target=target.path.encode(),
    )
    own = {"Host": _host_header(target), "Connection": "close", "User-Agent": "Rapport"}
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend) as pool,
            pool.stream(
                "POST", where, headers=list((own | dict(headers)).items()), content=body
            ) as answer,
        ):
            return _read(answer, most)
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
        raise Unreachable(_words(error)) from error
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.TimeoutException,
        OSError,
    ) as error:
        raise NoAnswer(_words(error)) from error


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is global unicast, itself and whatever address it wraps."""
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    wrapped = list(_wrapped(address))
    if not all(is_public(inner) for inner in wrapped):
        return False
    if wrapped and address not in _GLOBAL:  # mapped, compatible, NAT64
        return True
    return address in _GLOBAL and (address.is_global or address.sixtofour is not None)


def may_connect(address: IPv4Address | IPv6Address) -> bool:
    """Public, or in a network that the operator has opened."""
    inner = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
    networks = [ip_network(text) for text in settings.OUTGOING_NETWORKS]
    if any(inner in network for network in networks if network.version == inner.version):
        return True
    return is_public(address)


def _wrapped(address: IPv6Address) -> Iterable[IPv4Address]:
    """The IPv4 addresses within one of IPv6: mapped, compatible, NAT64, 6to4, ISATAP."""
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    is_own = int(address) <= 1  # :: and ::1 wrap nothing
    if address.ipv4_mapped or (not is_own and any(address in net for net in _EMBEDS_LOW)):
        yield low
    if address.sixtofour:
        yield address.sixtofour
    if (int(address) >> 32) & 0xFDFFFFFF == 0x5EFE and address in _GLOBAL:
        yield low


def _host(name: str) -> str:
    """A name or a literal address as it is asked for; numbers in disguise are refused."""
    try:
        literal = ip_address(name)
    except ValueError:
        literal = None
    if literal is not None:
        if "%" in name or not may_connect(literal):
            raise Refused(_("%(host)s is no public address") % {"host": name})
        return name
    try:
        host = name.rstrip(".").lower()
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise Refused(_("%(host)s is no name of a host") % {"host": name[:100]}) from None
    if not _NAME.fullmatch(host) or _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise Refused(_("%(host)s is no name of a host") % {"host": name[:100]})
    if (host == "localhost" or host.endswith(".localhost")) and not may_connect(
        IPv4Address("127.0.0.1")
    ):
        raise Refused(_("%(host)s is no public address") % {"host": host})
    return host


def _resolved(host: str, port: int, *, seconds: float) -> str:
    """The address to connect to. One that is not public spoils all that the name has."""
    found = _looked_up(host, port, seconds=seconds)
    addresses = [ip_address(one) for one in found]
    for address in addresses:
        if not may_connect(address):
            reason = _("%(host)s leads to %(address)s, which is no public address")
            raise Refused(reason % {"host": host, "address": address})
    if not addresses:
        raise Unreachable(_("%(host)s has no address") % {"host": host})
    return str(addresses[0])


def _looked_up(host: str, port: int, *, seconds: float) -> list[str]:
    """Ask the name server, but not for longer than this: getaddrinfo knows no time."""
    told: list[Any] = []

    def ask() -> None:
        try:
            told.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            told.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(max(seconds, 0.0))
    if not told:
        raise Unreachable(_("the name server did not answer for %(host)s") % {"host": host})
    if isinstance(told[0], Exception):
        raise Unreachable(_("%(host)s has no address") % {"host": host})
    return [str(one[4][0]) for one in told[0]]


class _Backend(httpcore.SyncBackend):
    """Connects to the address that was looked at, and to no name."""

    def __init__(self, *, connect: float, until: float) -> None:
        self._connect, self._until = connect, until

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> "_Stream":
        until = min(self._until, time.monotonic() + self._connect)
        address = _resolved(host, port, seconds=_left(until, httpcore.ConnectTimeout))
        left = _left(until, httpcore.ConnectTimeout)
        stream = super().connect_tcp(address, port, timeout=left)
        return _Stream(stream, self._until)


class _Stream(httpcore.NetworkStream):
    """A connection whose every step has only what is left of the whole time."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream, self._until = stream, until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout=_left(self._until))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self._stream.write(buffer[start : start + PIECE], timeout=_left(self._until))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "_Stream":
        left = _left(self._until, httpcore.ConnectTimeout)
        secured = self._stream.start_tls(ssl_context, server_hostname, timeout=left)
        return _Stream(secured, self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(until: float, late: type[httpcore.TimeoutException] = httpcore.ReadTimeout) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise late("it took too long")
    return left


def _read(answer: httpcore.Response, most: int) -> Answer:
    headers = {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in answer.headers}
    body = b""
    for piece in answer.iter_stream():
        body += piece
        if len(body) > most:
            return Answer(answer.status, headers, body[:most], is_whole=False)
    return Answer(answer.status, headers, body, is_whole=True)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """The usual authorities, or those that SSL_CERT_FILE names."""
    return httpx.create_ssl_context()


def _host_header(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = {"https": 443, "http": 80}[target.scheme]
    return host if target.port == usual else f"{host}:{target.port}"


def _ascii(path: str) -> str:
    return quote(path, safe="/?&=%:;,+$!*'()~@[]|")


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
