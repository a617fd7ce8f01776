"""One connection to a mail server: what goes over the wire, and what each answer means."""

import pytest

from campaigns import channels, smtp
from tests.campaigns.mailserver import HANG_UP, MailServer

ADA = {"sender": "shop@example.com", "recipient": "ada@example.org"}
MAIL = b"Subject: Hello\r\n\r\nDear Ada\r\n"


@pytest.fixture(params=[True, False], ids=["pipelining", "step by step"])
def server(request, settings):
    with MailServer(pipelining=request.param).running() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def session(server):
    session = smtp.Session()
    yield session
    session.close()


def hand_over(session, mail=MAIL, **envelope):
    session.begin(smtp.Envelope(**(ADA | envelope)))
    session.finish(mail)


def test_messages_go_out_one_after_another_on_one_connection(server, session):
    for name in ("ada", "eve", "lin"):
        hand_over(session, recipient=f"{name}@example.org")
    assert server.received == {f"{name}@example.org": 1 for name in ("ada", "eve", "lin")}
    assert server.mails["ada@example.org"] == [MAIL]
    assert server.connections == 1


def test_the_envelope_names_sender_and_recipient(server, session):
    hand_over(session)
    assert [line for line in server.commands if line[:4] in ("MAIL", "RCPT", "DATA")] == [
        "MAIL FROM:<shop@example.com>",
        "RCPT TO:<ada@example.org>",
        "DATA",
    ]


@pytest.mark.parametrize(
    ("place", "answer", "meaning"),
    [
        ("RCPT", "550 no such user", channels.AddressRefused),
        ("RCPT", "550 5.1.1 no such user", channels.AddressRefused),
        ("RCPT", "554 5.7.1 your network is on a list", channels.PermanentFailure),
        ("RCPT", "552 5.2.2 the mailbox is full", channels.PermanentFailure),
        ("RCPT", "450 greylisted", channels.TemporaryFailure),
        ("MAIL", "550 not you", channels.PermanentFailure),
        ("MAIL", "421 too many", channels.TemporaryFailure),
        ("DATA", "451 busy", channels.TemporaryFailure),
        ("DOT", "554 spam", channels.PermanentFailure),
        ("DOT", "452 no room", channels.TemporaryFailure),
        ("DOT", HANG_UP, channels.Unclear),
        ("RCPT", HANG_UP, smtp.Lost),
        ("MAIL", "what?", smtp.Lost),
    ],
)
def test_each_answer_has_its_meaning(server, session, place, answer, meaning):
    server.rules[place] = [answer]
    with pytest.raises(meaning) as caught:
        hand_over(session)
    assert type(caught.value) is meaning


@pytest.mark.parametrize("place", ["RCPT", "DOT", "DATA"])
def test_after_a_refusal_the_connection_serves_the_next(server, session, place):
    server.rules[place] = ["550 no"]
    with pytest.raises(channels.PermanentFailure):
        hand_over(session)
    hand_over(session, recipient="eve@example.org")
    assert server.received == {"eve@example.org": 1}
    assert server.connections == 1


def test_a_server_that_says_it_hangs_up_is_not_spoken_to_again(server, session):
    server.rules["MAIL"] = ["421 closing"]
    with pytest.raises(channels.TemporaryFailure, match="421 closing"):
        hand_over(session)
    assert not session.is_open


def test_a_line_with_a_dot_is_no_end(server, session):
    from campaigns import mime

    mail = b"Subject: x\r\n\r\n.\r\n..a\r\nend\r\n"
    hand_over(session, mime.stuffed(mail))
    assert server.mails["ada@example.org"] == [mail]


EVE = smtp.Envelope("shop@example.com", "eve@example.org")


class Counting:
    """A socket that counts what goes through it."""

    def __init__(self, real):
        self.real, self.sent = real, []

    def sendall(self, data):
        self.sent.append(data)
        self.real.sendall(data)

    def __getattr__(self, name):
        return getattr(self.real, name)


def test_the_commands_of_a_message_leave_together_where_the_server_allows_it(server, session):
    session._socket = Counting(session._socket)
    hand_over(session)
    assert len(session._socket.sent) == (2 if server.pipelining else 4)


class TestAhead:
    """The next message is announced with the end of the last."""

    def test_it_leaves_in_one_piece(self, server, session):
        session._socket = Counting(session._socket)
        session.begin(smtp.Envelope(**ADA))
        for _ in range(3):
            session.finish(MAIL, ahead=EVE)
            session.begin(EVE)
        session.finish(MAIL)
        assert len(session._socket.sent) == (5 if server.pipelining else 16)
        assert server.received == {"ada@example.org": 1, "eve@example.org": 3}

    def test_its_refusal_is_its_own(self, server, session):
        server.rules["RCPT eve@example.org"] = "550 no such user"
        session.begin(smtp.Envelope(**ADA))
        session.finish(MAIL, ahead=EVE)
        with pytest.raises(channels.AddressRefused):
            session.begin(EVE)
        hand_over(session)
        assert server.received == {"ada@example.org": 2}
        assert server.connections == 1

    def test_the_refusal_of_the_one_before_leaves_it_alone(self, server, session):
        server.rules["DOT ada@example.org"] = "554 spam"
        session.begin(smtp.Envelope(**ADA))
        with pytest.raises(channels.PermanentFailure):
            session.finish(MAIL, ahead=EVE)
        session.begin(EVE)
        session.finish(MAIL)
        assert server.received == {"eve@example.org": 1}

    def test_a_server_that_hangs_up_has_taken_none_of_it(self, server, session):
        server.rules["DOT"] = [HANG_UP]
        session.begin(smtp.Envelope(**ADA))
        with pytest.raises(channels.Unclear):
            session.finish(MAIL, ahead=EVE)
        assert not session.is_open
        assert server.received == {"ada@example.org": 1}

    def test_a_server_that_hangs_up_after_the_answer_has_lost_it(self, server, session):
        session.begin(smtp.Envelope(**ADA))
        server.rules["MAIL"] = [HANG_UP]
        session.finish(MAIL, ahead=EVE)
        with pytest.raises(smtp.Lost):
            session.begin(EVE)
        assert server.received == {"ada@example.org": 1}

    def test_another_message_than_the_one_announced_is_not_sent_in_its_place(self, server, session):
        session.begin(smtp.Envelope(**ADA))
        session.finish(MAIL, ahead=EVE)
        if server.pipelining:
            with pytest.raises(smtp.Lost):
                hand_over(session)
            assert server.received == {"ada@example.org": 1}


def test_without_a_server_there_is_no_session(settings):
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises(smtp.NoServer):
        smtp.Session()


def test_no_answer_in_time_is_unclear(server, monkeypatch):
    monkeypatch.setattr(smtp, "SECONDS_TO_ANSWER", 0.1)
    server.delay = 0.5
    with pytest.raises(channels.Unclear, match="timed out"):
        hand_over(smtp.Session())


def test_only_djangos_own_smtp_is_spoken_by_us(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert smtp.is_configured()
    settings.EMAIL_BACKEND = "campaigns.mailfiles.EmailBackend"
    assert not smtp.is_configured()
