"""The server dies or stalls, or the sender is killed, at each step of the conversation."""

from __future__ import annotations

import pytest

from tests.serve.mails import faults
from tests.serve.mails.conftest import events_of
from tests.serve.platform.smtp_listener import Listener


@pytest.mark.parametrize("fault", ["dies_at", "silent_at"])
class TestTheServer:
    @pytest.mark.parametrize("verb", faults.BEFORE)
    def test_before_the_mail_went_out(self, firm, ways, set_up, queue, deliver, fault, verb):
        ways(timeout_s=0.5)
        with Listener(**{fault: verb}) as listener:
            set_up(listener)
            faults.tries_again_what_never_went_out(firm, listener, queue(), deliver)

    def test_before_its_answer(self, firm, ways, set_up, queue, deliver, fault):
        ways(timeout_s=0.5)
        with Listener(**{fault: "CONTENT"}) as listener:
            set_up(listener)
            mail = queue()
            faults.leaves_the_unknown_to_a_person(firm, listener, mail, deliver)
        assert events_of(firm, mail) == [
            *("mail.created", "mail.sending", "mail.uncertain", "mail.resent", "mail.sending", "mail.sent")
        ]

    def test_after_its_answer(self, firm, ways, set_up, queue, deliver, fault):
        """It took the mail; how the conversation ends is of no interest."""
        ways(timeout_s=0.5)
        with Listener(**{fault: "QUIT"}) as listener:
            set_up(listener)
            mail = queue()
            assert deliver(mail)["state"] == "sent"
            assert deliver(mail)["state"] == "sent"
        assert len(listener.arrived) == 1


@pytest.mark.parametrize("answer", ["and now?", "999 so", "354 more"])
def test_an_answer_to_the_mail_that_is_none(firm, set_up, queue, deliver, answer):
    with Listener(answers={"CONTENT": answer}) as listener:
        set_up(listener)
        assert deliver(queue())["state"] == "uncertain"


def test_a_refusal_holds_even_if_the_server_then_falls_silent(firm, ways, set_up, queue, deliver):
    ways(timeout_s=0.5)
    with Listener(answers={"CONTENT": "554 no"}, silent_at="RSET") as listener:
        set_up(listener)
        failed = deliver(queue())
    assert (failed["state"], failed["error"]) == ("failed", "554 no")


@pytest.mark.parametrize("verb", [*faults.BEFORE, "CONTENT", "QUIT"])
def test_the_sender_is_killed(firm, set_up, queue, deliver, verb):
    with Listener(silent_at=verb) as listener:
        set_up(listener)
        faults.survives_the_death_of_its_sender(firm, listener, queue(), deliver)


@pytest.mark.parametrize("verb", ["DATA", "CONTENT"])
def test_the_sender_is_stopped(firm, set_up, queue, begin, deliver, verb):
    with Listener(silent_at=verb) as listener:
        set_up(listener)
        mail = queue()
        faults.survives_being_stopped(firm, listener, mail, lambda: begin(mail), deliver)
