"""Ways out: what each answer of a mail server means, and mail as files."""

import email
import smtplib
from email import policy
from pathlib import Path

import pytest

from campaigns import channels, mail
from campaigns.mailfiles import EmailBackend

MESSAGE = {
    "to": "ada@example.org",
    "subject": "你好 Ada",
    "text": "plain",
    "html": "<p>html</p>",
    "headers": {"List-Unsubscribe": "<https://x.example/u/1>"},
    "message_id": "<abc@example.org>",
}


class Server:
    """Django's SMTP backend, as far as the channel sees it."""

    def __init__(self, answer=None, open_error=None):
        self.answer, self.open_error, self.connection = answer, open_error, None
        self.accepted, self.opened, self.closed = [], 0, 0

    def open(self):
        if self.open_error:
            raise self.open_error
        if self.connection is None:
            self.connection, self.opened = object(), self.opened + 1

    def close(self):
        self.closed, self.connection = self.closed + 1, None

    def send_messages(self, messages):
        if isinstance(self.answer, Exception):
            raise self.answer
        self.accepted += messages
        return len(messages) if self.answer is None else self.answer


@pytest.fixture
def served(monkeypatch):
    def serve(**kwargs):
        server = Server(**kwargs)
        monkeypatch.setattr(mail, "get_connection", lambda **_: server)
        return server

    return serve


def deliver():
    mail.Email().deliver(**MESSAGE)


def test_an_unknown_channel_has_a_name():
    with pytest.raises(channels.UnknownChannel, match="pigeon"):
        channels.get("pigeon")


def test_a_mail_carries_both_parts_and_our_headers(served):
    server = served()
    deliver()
    message = server.accepted[0].message()
    assert message["Message-ID"] == "<abc@example.org>"
    assert message["List-Unsubscribe"] == "<https://x.example/u/1>"
    assert [p.get_content_type() for p in message.get_payload()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (smtplib.SMTPRecipientsRefused({"a": (550, b"no such user")}), channels.AddressRefused),
        (smtplib.SMTPRecipientsRefused({"a": (450, b"later")}), channels.TemporaryFailure),
        (smtplib.SMTPDataError(554, b"spam"), channels.PermanentFailure),
        (smtplib.SMTPDataError(451, b"busy"), channels.TemporaryFailure),
        (
            smtplib.SMTPSenderRefused(550, b"who are you", "s@example.org"),
            channels.PermanentFailure,
        ),
        (smtplib.SMTPServerDisconnected("gone"), channels.Unclear),
        (TimeoutError("no answer"), channels.Unclear),
        (ConnectionResetError("reset"), channels.Unclear),
        (0, channels.PermanentFailure),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_answer_of_a_server_has_one_meaning(served, answer, meaning):
    served(answer=answer)
    with pytest.raises(meaning) as caught:
        deliver()
    assert type(caught.value) is meaning


@pytest.mark.parametrize(
    "error",
    [ConnectionRefusedError("down"), TimeoutError("slow"), smtplib.SMTPConnectError(421, b"full")],
)
def test_a_server_that_cannot_be_reached_has_certainly_sent_nothing(served, error):
    served(open_error=error)
    with pytest.raises(channels.TemporaryFailure):
        deliver()


def test_a_session_keeps_one_connection(served):
    server, channel = served(), mail.Email()
    with channels.session_of(channel):
        for _ in range(5):
            channel.deliver(**MESSAGE)
    assert (server.opened, server.closed, len(server.accepted)) == (1, 1, 5)


def test_after_an_unclear_end_the_next_message_gets_a_new_connection(served):
    server, channel = served(answer=TimeoutError("?")), mail.Email()
    with channels.session_of(channel):
        with pytest.raises(channels.Unclear):
            channel.deliver(**MESSAGE)
        server.answer = None
        channel.deliver(**MESSAGE)
    assert server.opened == 2


def test_a_connection_that_the_server_closed_is_opened_again(served):
    server, channel = served(), mail.Email()

    class Gone(smtplib.SMTP):
        def __init__(self): ...
        def noop(self):
            raise smtplib.SMTPServerDisconnected("closed")

    with channels.session_of(channel):
        server.connection = Gone()
        channel.deliver(**MESSAGE)
    assert server.opened == 1
    assert len(server.accepted) == 1


def test_a_channel_without_sessions_is_used_as_it_is():
    class Log:
        def deliver(self, **message): ...

    with channels.session_of(Log()):
        pass
    assert not channels.is_idempotent(Log())


# Mail as files -------------------------------------------------------------------------------


@pytest.fixture
def files(settings):
    settings.EMAIL_BACKEND = "campaigns.mailfiles.EmailBackend"
    return Path(settings.EMAIL_FILE_PATH)


def test_a_mail_becomes_a_file_that_can_be_opened(files):
    deliver()
    [path] = files.iterdir()
    assert path.name == "abc@example.org.eml"
    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert message["Subject"] == "你好 Ada"
    assert message.get_body(("html",)).get_content().strip() == "<p>html</p>"


def test_the_same_message_twice_is_one_file(files):
    assert mail.Email().idempotent
    deliver()
    deliver()
    assert len(list(files.iterdir())) == 1


def test_a_message_id_cannot_lead_out_of_the_folder(files):
    mail.Email().deliver(**MESSAGE | {"message_id": "<../../../etc/cron.d/x@example.org>"})
    [path] = files.iterdir()
    assert path.parent == files
    assert not path.name.startswith(".")


def test_a_write_that_fails_leaves_nothing_behind(files, monkeypatch):
    def full(source, target):
        raise OSError("no space left")

    monkeypatch.setattr("campaigns.mailfiles.os.replace", full)
    with pytest.raises((OSError, channels.Unclear)):
        deliver()
    assert list(files.iterdir()) == []


def test_a_mail_without_an_id_is_written_too(tmp_path):
    from django.core.mail import EmailMessage

    backend = EmailBackend(file_path=str(tmp_path / "mail"))
    assert backend.send_messages([EmailMessage("s", "b", "f@example.org", ["t@example.org"])]) == 1
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1
