"""Guards of calls, their recordings and transcripts taken away one at a time: their own tests must notice."""

from __future__ import annotations

import json
from typing import Annotated

import pytest
from pydantic import Field

from serve.crm.calls import service, transcribing
from serve.crm.calls.service import calls
from serve.platform.files.service import files
from serve.ports import transcription
from serve.ports.out import addresses, door
from tests.sabotage.existing import Case, Guard, both, cases, instead, sql, without
from tests.serve.crm import test_calls as there
from tests.serve.firm import Firm

agent, log, upload = there.agent, there.log, there.upload
outside, recorded = there.outside, there.recorded

CALL, RECORDING, TRANSCRIPT = there.TestCall(), there.TestRecording(), there.TestTranscription()


class Endless(transcription.Transcript):
    text: Annotated[str, Field()]


GUARDS = {
    "calls that nobody answered last": Guard(
        instead(calls, "rule", None), CALL.test_a_change_obeys_the_same_rules
    ),
    "nobody says who wrote it": Guard(
        instead(service, "_source", lambda values: {}), CALL.test_a_transcript_says_who_wrote_it
    ),
    "files that are gone are named": Guard(
        without(files, "_get", "and t.deleted_at is null"),
        RECORDING.test_it_is_a_file_of_ones_own_that_is_there,
    ),
    "anything is a sound": Guard(
        instead(service, "_SOUND", ("",)), RECORDING.test_a_file_without_sound_is_none
    ),
    "recordings outlive their calls": Guard(
        sql(
            "alter table calls disable trigger delete_recording_of_call",
            "alter table calls enable trigger delete_recording_of_call",
        ),
        RECORDING.test_it_goes_with_the_call_that_named_it,
    ),
    "whatever there is is transcribed": Guard(
        instead(transcribing, "check_transcription", lambda *call, **asked: None),
        TRANSCRIPT.test_what_cannot_be_transcribed_is_refused,
    ),
    "a service that nobody has set is waited for": Guard(
        instead(transcribing, "configured", lambda *asked: None),
        TRANSCRIPT.test_without_a_service_it_says_so,
    ),
    "each one who asks begins anew": Guard(
        without(transcribing, "_UNDER_WAY", "kind = $1", "kind = $1 and false"),
        TRANSCRIPT.test_asked_twice_is_one_task_and_what_is_written_meanwhile_stays,
    ),
    "what is written meanwhile is lost": Guard(
        instead(transcribing, "_changed", lambda call, seen: None),
        TRANSCRIPT.test_asked_twice_is_one_task_and_what_is_written_meanwhile_stays,
    ),
    "what is written between two tries is lost": Guard(
        instead(transcribing, "_changed", lambda call, seen: None),
        TRANSCRIPT.test_what_is_written_between_two_tries_stays,
    ),
    "each run writes": Guard(
        instead(transcribing, "_changed", lambda call, seen: None),
        TRANSCRIPT.test_a_task_that_runs_twice_writes_once,
    ),
    "transcripts have no end": Guard(
        instead(transcription, "Transcript", Endless),
        TRANSCRIPT.test_rubbish_is_no_transcript_and_is_asked_for_again,
        {"answer": there.answers(200, json.dumps({"text": "x" * 100_001}).encode())},
    ),
    "every address is public": Guard(
        both(
            instead(addresses, "is_public", lambda text: True),
            instead(door, "check_url", lambda url, ports: None),
        ),
        TRANSCRIPT.test_an_address_of_this_machine_is_not_called,
    ),
}


@pytest.mark.parametrize("case", cases(GUARDS))
def test_it_is_noticed(request: pytest.FixtureRequest, firm: Firm, case: Case) -> None:
    case.hold(request, firm)
