"""STARTTLS and logging in, with a mail server that insists on both."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from campaigns import connections, pipeline, smtp
from tests.campaigns.world import make_campaign, make_members
from tests.campaigns.world import start as begin
from tests.factories import NOON
from tests.servers import free_port

MAIL = b"Subject: Hello\r\n\r\nDear Ada\r\n"
ENVELOPE = smtp.Envelope("shop@example.com", "ada@example.org")
LOGIN = LoginPassword(b"shop", b"correct horse")


class Taken:
    """Remembers recipients, and whether they came over TLS from somebody who had logged in."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        is_safe = session.ssl is not None
        self.mails += [(to, is_safe, bool(session.authenticated)) for to in envelope.rcpt_tos]
        return "250 taken"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Made by ourselves, for this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=1)).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
    )
    made = builder.sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(params=[True])
def server(request, certificate, settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def known(_server, _session, _envelope, _mechanism, data):
        return AuthResult(success=data == LOGIN, handled=False)

    controller = Controller(
        Taken(),
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        require_starttls=True,
        auth_required=request.param,
        authenticator=known,
    )
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = controller.port
    settings.EMAIL_USE_TLS = True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "shop", "correct horse"
    yield controller
    controller.stop()


@pytest.fixture
def trusted(monkeypatch, certificate):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.mark.usefixtures("trusted")
def test_mails_go_over_tls_by_somebody_who_logged_in(server):
    session = smtp.Session()
    following = ENVELOPE._replace(recipient="eve@example.org")
    session.begin(ENVELOPE)
    session.finish(MAIL, ahead=following)
    session.begin(following)
    session.finish(MAIL)
    session.close()
    assert server.handler.mails == [
        ("ada@example.org", True, True),
        ("eve@example.org", True, True),
    ]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("server", [False], indirect=True)
def test_tls_without_a_login_greets_again_as_it_must(server, settings):
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    session = smtp.Session()
    session.begin(ENVELOPE)
    session.finish(MAIL)
    session.close()
    assert server.handler.mails == [("ada@example.org", True, False)]


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_is_no_messages_fault(server, settings):
    settings.EMAIL_HOST_PASSWORD = "wrong"
    with pytest.raises(smtp.NoServer, match="535"):
        smtp.Session()


def test_a_server_that_cannot_prove_who_it_is_gets_nothing(server):
    with pytest.raises(smtp.NoServer, match="certificate verify failed"):
        smtp.Session()
    assert server.handler.mails == []


@pytest.mark.django_db
@pytest.mark.usefixtures("trusted")
def test_a_whole_campaign_goes_over_tls(server, settings, tmp_path, monkeypatch):
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(connections, "PATIENCE", (0.01,))
    campaign = make_campaign(holdout_share=0, labels=("A",))
    members = make_members(campaign, 30)
    begin(campaign)
    assert pipeline.send(campaign, owner="worker", clock=lambda: NOON) == 30
    assert sorted(server.handler.mails) == sorted((m.email, True, True) for m in members)
