"""Requests to addresses that others choose: nothing inside is reached, and nothing takes for ever."""

import socket
import ssl
import threading
import time
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm import outgoing
from tests.receiver import answer, certificate, listening

INSIDE = [  # every one of them is some way to say a machine of ours, or none at all
    "127.0.0.1",
    "127.1",
    "127.255.255.254",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.169.254.",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "a.localhost",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2002:c0a8:101::1]",
    "[2001:0:7f00:1::1]",
    "[2600:1::5efe:127.0.0.1]",
    "[2600:1::200:5efe:10.0.0.1]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[100::1]",
    "[5f00::1]",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
]
STRANGE = [
    "",
    "example.org",
    "//example.org/",
    "http://example.org/",
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://example.org/",
    "https://",
    "https:///path",
    "https://user@example.org/",
    "https://user:secret@example.org/",
    "https://@example.org/",
    "https://example.org:22/",
    "https://example.org:6379/",
    "https://example.org:0/",
    "https://example.org:99999/",
    "https://example.org:x/",
    "https://exam ple.org/",
    "https://example.org/\r\nHost: inside",
    "https://example.org\\@127.0.0.1/",
    "https://example.org\t/",
    "https://exa%6dple.org/",
    "https://-/",
    "https://a..b/",
    "https://[::1/",
    "https://" + "a" * 600 + "/",
    "https://example.org/" + "a" * 600,
]


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    outgoing._tls.cache_clear()
    yield
    outgoing._tls.cache_clear()


@pytest.fixture
def names(monkeypatch):
    """What the name server says, by name: a list of the answers it gives one after the other."""
    known, asked, really = {}, [], socket.getaddrinfo

    def look_up(host, port, *args, **kwargs):
        if host[:1].isdigit() or ":" in host:
            return really(host, port, *args, **kwargs)
        asked.append(host)
        answers = known.get(host)
        if answers is None:
            raise socket.gaierror(-2, "Name or service not known")
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port))
            for one in found
        ]

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", look_up)
    known["asked"] = asked
    return known


@pytest.fixture
def connected(monkeypatch):
    """Where connections would have gone to; none is made."""
    tried = []

    def connect_tcp(self, host, port, *args, **kwargs):
        tried.append((host, port))
        raise outgoing.httpcore.ConnectError("not here")

    monkeypatch.setattr(outgoing.httpcore.SyncBackend, "connect_tcp", connect_tcp)
    return tried


@pytest.fixture
def there(settings):
    """A receiver that may be reached, at 127.0.0.1 and nowhere else."""
    with listening() as receiver:
        settings.OUTGOING_HTTP = True
        settings.OUTGOING_PORTS = [receiver.port]
        settings.OUTGOING_NETWORKS = ["127.0.0.1/32"]
        yield receiver


def send(url, body=b"{}", **kwargs):
    return outgoing.post(url, body, {"Content-Type": "application/json"}, **kwargs)


class TestWhatIsRefused:
    @pytest.mark.parametrize("host", INSIDE)
    def test_an_address_inside_is_not_asked(self, host, connected):
        with pytest.raises((outgoing.Refused, outgoing.Unreachable)):
            send(f"https://{host}/latest/meta-data/")
        assert connected == []

    @pytest.mark.parametrize("host", [one for one in INSIDE if not one.startswith("[fe80::1%")])
    def test_a_name_that_leads_inside_is_not_asked(self, host, names, connected):
        plain = host.strip("[]").rstrip(".")
        try:
            address = str(ip_address(plain))
        except ValueError:
            pytest.skip("no literal address")
        names["trap.example"] = [[address]]
        with pytest.raises(outgoing.Refused, match="no public address"):
            send("https://trap.example/")
        assert connected == []

    @pytest.mark.parametrize("url", STRANGE)
    def test_an_address_of_another_form_is_not_asked(self, url, names, connected):
        with pytest.raises(outgoing.Refused):
            send(url)
        assert connected == []
        assert names["asked"] == []

    def test_one_address_inside_spoils_the_others(self, names, connected):
        names["both.example"] = [["93.184.216.34", "10.0.0.1"]]
        with pytest.raises(outgoing.Refused, match="10.0.0.1"):
            send("https://both.example/")
        assert connected == []

    @pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::8.8.8.8"])
    def test_a_public_address_is_asked(self, address, names, connected):
        names["shop.example"] = [[address]]
        with pytest.raises(outgoing.Unreachable):
            send("https://shop.example/")
        assert [(str(ip_address(host)), port) for host, port in connected] == [
            (str(ip_address(address)), 443)
        ]

    @given(st.integers(0, 2**32 - 1))
    def test_no_wrapping_makes_an_address_public(self, number):
        inner = IPv4Address(number)
        wrapped = [
            IPv6Address((0xFFFF << 32) | number),
            IPv6Address((0x64FF9B << 96) | number),
            IPv6Address((0x2002 << 112) | (number << 80) | 1),
        ]
        for one in wrapped:
            assert outgoing.is_public(one) <= outgoing.is_public(inner)
        assert not outgoing.is_public(inner) or inner.is_global

    @given(st.integers(0, 2**128 - 1))
    def test_what_is_public_is_global_unicast(self, number):
        address = IPv6Address(number)
        if outgoing.is_public(address):
            assert address in outgoing._GLOBAL or list(outgoing._wrapped(address))
            assert not address.is_private
            assert not address.is_multicast


class TestTheConnection:
    def test_it_goes_to_the_address_that_was_looked_at(self, there, names):
        """The name server says another thing when it is asked again: nobody asks it again."""
        with listening("127.0.0.2") as inside:
            names["turns.example"] = [["127.0.0.1"], ["127.0.0.2"]]
            said = send(f"http://turns.example:{there.port}/in")
        assert said.status == 204
        assert names["asked"] == ["turns.example"]
        assert inside.got == []
        assert there.got[0].headers["host"] == f"turns.example:{there.port}"

    def test_the_name_that_turns_inside_between_two_requests_is_refused(self, there, names):
        names["turns.example"] = [["127.0.0.1"], ["127.0.0.2"]]
        url = f"http://turns.example:{there.port}/in"
        assert send(url).status == 204
        with pytest.raises(outgoing.Refused):
            send(url)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_no_redirect_is_followed(self, there, status):
        with listening("127.0.0.2") as inside:
            there.say = lambda _: answer(status, Location=inside.url)
            said = send(there.url)
        assert (said.status, said.is_success) == (status, False)
        assert said.headers["location"] == inside.url
        assert (len(there.got), inside.got) == (1, [])

    def test_no_proxy_of_the_environment_is_asked(self, there, monkeypatch):
        with listening("127.0.0.2") as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            assert send(there.url).status == 204
        assert proxy.got == []

    def test_what_was_sent_comes_over_as_it_was(self, there):
        send(there.url + "?a=1&b=ü", "{“”}".encode())
        [got] = there.got
        assert got.head == "POST /in?a=1&b=%C3%BC HTTP/1.1"
        assert got.body == "{“”}".encode()
        assert got.headers["content-type"] == "application/json"

    def test_a_certificate_has_to_be_of_the_name(self, settings, names, tmp_path, monkeypatch):
        context, authority = certificate(tmp_path, "shop.example")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        settings.OUTGOING_NETWORKS = ["127.0.0.1/32"]
        names["shop.example"] = names["other.example"] = [["127.0.0.1"]]
        with listening(tls=context) as there:
            settings.OUTGOING_PORTS = [there.port]
            assert send(f"https://shop.example:{there.port}/").status == 204
            with pytest.raises(outgoing.Unreachable, match="(?i)certificate"):
                send(f"https://other.example:{there.port}/")
        assert len(there.got) == 1

    def test_a_certificate_of_nobody_we_know_is_refused(self, settings, names, tmp_path):
        context, _ = certificate(tmp_path, "shop.example")
        assert isinstance(context, ssl.SSLContext)
        settings.OUTGOING_NETWORKS = ["127.0.0.1/32"]
        names["shop.example"] = [["127.0.0.1"]]
        with listening(tls=context) as there:
            settings.OUTGOING_PORTS = [there.port]
            with pytest.raises(outgoing.Unreachable, match="(?i)certificate"):
                send(f"https://shop.example:{there.port}/")
        assert there.got == []

    def test_a_private_network_is_reached_when_the_operator_opened_it(self, there, settings):
        assert send(there.url).status == 204
        settings.OUTGOING_NETWORKS = ["127.0.0.2/32"]
        with pytest.raises(outgoing.Refused):
            send(there.url)


class TestItsEnd:
    def test_nobody_is_there(self, there, names, settings):
        names["gone.example"] = [["127.0.0.1"]]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            empty = free.getsockname()[1]
        settings.OUTGOING_PORTS = [empty]
        with pytest.raises(outgoing.Unreachable):
            send(f"http://gone.example:{empty}/")

    def test_a_name_without_an_address(self, names):
        with pytest.raises(outgoing.Unreachable, match="no address"):
            send("https://nowhere.example/")

    def test_a_name_server_that_does_not_answer(self, monkeypatch):
        over = threading.Event()
        monkeypatch.setattr(outgoing.socket, "getaddrinfo", lambda *_, **__: over.wait(20) or [])
        began = time.monotonic()
        with pytest.raises(outgoing.Unreachable, match="did not answer"):
            send("https://slow.example/", connect=0.2)
        over.set()
        assert time.monotonic() - began < 5

    def test_a_server_that_hangs_up(self, there):
        there.say = lambda _: None
        with pytest.raises(outgoing.NoAnswer):
            send(there.url)
        assert len(there.got) == 1

    def test_a_server_that_says_nothing(self, there):
        over = threading.Event()
        there.say = lambda _: over.wait(20) and None
        began = time.monotonic()
        with pytest.raises(outgoing.NoAnswer):
            send(there.url, total=0.3)
        over.set()
        assert time.monotonic() - began < 5

    def test_a_server_that_speaks_a_letter_at_a_time(self, settings):
        """Each letter comes in time; the whole does not."""
        over = threading.Event()

        def dribble(listener):
            found, _ = listener.accept()
            with found:
                found.recv(65536)
                for letter in b"HTTP/1.1 200 OK\r\nX: " + b"a" * 5000:
                    if over.wait(0.02):
                        return
                    try:
                        found.send(bytes([letter]))
                    except OSError:
                        return

        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            settings.OUTGOING_HTTP, settings.OUTGOING_PORTS = True, [port]
            settings.OUTGOING_NETWORKS = ["127.0.0.1/32"]
            threading.Thread(target=dribble, args=(listener,), daemon=True).start()
            began = time.monotonic()
            with pytest.raises(outgoing.NoAnswer):
                send(f"http://127.0.0.1:{port}/", total=0.5)
            took = time.monotonic() - began
            over.set()
        assert took < 5

    def test_an_endless_answer_is_left(self, there):
        there.say = lambda _: answer(200, b"a" * 300_000)
        said = send(there.url, most=1000)
        assert (said.status, len(said.body), said.is_whole) == (200, 1000, False)

    def test_a_packed_answer_is_not_unpacked(self, there):
        there.say = lambda _: answer(200, b"\x1f\x8b" + b"\0" * 20, Content_Encoding="gzip")
        assert send(there.url).body.startswith(b"\x1f\x8b")

    def test_an_answer_that_is_no_http(self, there):
        there.say = lambda _: b"SSH-2.0-OpenSSH_9.2\r\n"
        with pytest.raises(outgoing.NoAnswer):
            send(there.url)
