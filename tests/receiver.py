"""A server that plays somebody else's: it answers as it is told, and keeps what it was sent."""

import socketserver
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Got:
    head: str
    headers: dict
    body: bytes


@dataclass
class Receiver:
    """`say(got)` returns the bytes of a whole answer, None to hang up without a word."""

    address: str
    port: int = 0
    got: list = field(default_factory=list)
    say: object = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self):
        return f"http://{self.address}:{self.port}/in"

    def answers(self, *statuses):
        """These one after the other, the last of them from then on."""
        left = list(statuses)

        def say(_):
            return answer(left.pop(0) if len(left) > 1 else left[0])

        self.say = say


def answer(status, body=b"", **headers):
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def listening(address="127.0.0.1", *, tls=None):
    """A receiver, for as long as the block is; with `tls` a context of the ssl module."""
    there = Receiver(address)
    there.answers(204)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            got = _read(self.rfile)
            if got is None:
                return
            with there.lock:
                there.got.append(got)
            said = there.say(got)
            if said is not None:
                self.wfile.write(said)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

        def get_request(self):
            found, whence = super().get_request()
            return (tls.wrap_socket(found, server_side=True) if tls else found), whence

        def handle_error(self, *args):
            """Who hangs up on us is no news."""

    with Server((address, 0), Handler) as server:
        there.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield there
        finally:
            server.shutdown()


def _read(stream):
    head = stream.readline().decode("latin-1").strip()
    headers = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if not head:
        return None
    return Got(head, headers, stream.read(int(headers.get("content-length", 0))))


def certificate(folder, name):
    """(a server's context, the file of its authority), for a host of this name."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return context, pem
