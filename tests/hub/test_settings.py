import os
from pathlib import Path

import pytest

from core import Refused
from hub import settings

REAL = '[{"name": "real", "kind": "http"}]'
LONG = "0123456789abcdef0123456789abcdef"


def faults(environ: dict[str, str]) -> set[str]:
    with pytest.raises(Refused) as refused:
        settings.read(environ)
    assert refused.value.code == "invalid_settings"
    return {fault.pointer for fault in refused.value.faults}


def test_an_empty_environment_is_a_trial_on_this_machine_alone() -> None:
    found = settings.read({})
    assert (found.host, found.port, found.public_url) == ("127.0.0.1", 8080, "http://127.0.0.1:8080")
    assert found.sqlite
    assert found.database_url == f"sqlite:///{Path('data').absolute() / 'smshub.db'}"
    assert found.simulated
    assert found.sending_hours is None


def test_the_database_lies_in_the_data_folder(tmp_path: Path) -> None:
    assert settings.read({"SMSHUB_DATA": str(tmp_path)}).database_url == f"sqlite:///{tmp_path / 'smshub.db'}"


def test_every_fault_is_named_in_one_message() -> None:
    wrong = {
        "PORT": "eighty",
        "SMSHUB_DATABASE_URL": "mysql://x",
        "SMSHUB_PUBLIC_URL": "sms.example",
        "SMSHUB_CARRIERS": "[{}]",
        "SMSHUB_SECRET_KEYS": "short",
        "SMSHUB_HOOK_ALLOW": "10.0.0.0/99",
        "SMSHUB_SENDING_HOURS": '{"FR": {"zone": "Mars"}}',
        "SMSHUB_SMPP_LISTEN": "2775",
        "SMSHUB_TARIFF": "/nowhere.csv",
        "SMSHUB_LOG_LEVEL": "loud",
    }
    with pytest.raises(Refused) as refused:
        settings.read(wrong)
    assert {fault.pointer for fault in refused.value.faults} == set(wrong)
    assert all(name in refused.value.detail for name in wrong)


@pytest.mark.parametrize(
    "name", ["SMSHUB_CARRIER", "SMSHUB_DATABSE_URL", "SMSHUB_SECRET_KEY", "smshub_data", "SMS_HUB_DATA"]
)
def test_a_misspelt_name_is_a_fault(name: str) -> None:
    assert faults({name: "x"}) == {name}


def test_names_of_others_are_left_alone() -> None:
    settings.read(
        {"HOME": "/x", "SMSHUB_URL": "x", "SMSHUB_API_KEY": "x", "SMSHUB_CRASH_AT": "x", "SMSHUB_PLUGIN_OF_MINE": "x"}
    )


def test_an_empty_variable_is_an_absent_one() -> None:
    assert settings.read({"PORT": "", "SMSHUB_CARRIERS": " "}) == settings.read({})


def test_postgresql_needs_keys_that_all_processes_share() -> None:
    assert faults({"SMSHUB_DATABASE_URL": "postgresql://h/d"}) == {"SMSHUB_SECRET_KEYS"}
    found = settings.read({"SMSHUB_DATABASE_URL": "postgres://h/d", "SMSHUB_SECRET_KEYS": f"{LONG},{LONG[::-1]}"})
    assert (found.database_url, found.secret_keys) == ("postgresql://h/d", (LONG, LONG[::-1]))
    assert not found.sqlite


def test_sending_hours_are_json_or_a_file_of_it(tmp_path: Path) -> None:
    written = '{"FR": {"zone": "Europe/Paris", "open": {"mon-fri": ["08:00", "20:00"]}}}'
    (tmp_path / "hours.json").write_text(written)
    for text in (written, str(tmp_path / "hours.json")):
        found = settings.read({"SMSHUB_SENDING_HOURS": text})
        assert found.sending_hours is not None
        assert set(found.sending_hours.rules) == {"FR"}


def test_the_page_of_a_hub_that_listens_everywhere_is_opened_here() -> None:
    assert settings.read({"SMSHUB_HOST": "0.0.0.0", "PORT": "81"}).public_url == "http://127.0.0.1:81"
    assert settings.read({"SMSHUB_HOST": "::1"}).public_url == "http://[::1]:8080"


def test_a_real_carrier_does_not_start_on_the_settings_of_a_trial() -> None:
    trial = settings.read({})
    missing = {"SMSHUB_SHORT_CODE", "SMSHUB_OPT_OUT_ADDRESS", "SMSHUB_SENDING_HOURS"}
    assert {fault.pointer for fault in settings.trial_faults(trial, ["orange"])} == missing
    with pytest.raises(Refused, match="orange"):
        settings.check_real(trial, ["orange"])


def test_a_simulator_starts_on_them_and_a_real_carrier_on_real_ones() -> None:
    settings.check_real(settings.read({}), [])
    hours = '{"*": {"zone": "Europe/Paris", "open": {"mon": ["08:00", "20:00"]}}}'
    real = {"SMSHUB_SHORT_CODE": "36180", "SMSHUB_OPT_OUT_ADDRESS": "x.example", "SMSHUB_SENDING_HOURS": hours}
    settings.check_real(settings.read(real), ["orange"])


def test_the_web_has_a_process_for_each_processor_and_a_few_threads_in_each() -> None:
    found = settings.read({})
    assert (found.web_processes, found.web_threads) == (max(1, len(os.sched_getaffinity(0)) // 2), 16)
    found = settings.read({"SMSHUB_WEB_PROCESSES": "3", "SMSHUB_WEB_THREADS": "4"})
    assert (found.web_processes, found.web_threads) == (3, 4)


@pytest.mark.parametrize("text", ["0", "-1", "many", "257"])
def test_a_number_of_processes_that_makes_no_sense_is_a_fault(text: str) -> None:
    assert faults({"SMSHUB_WEB_PROCESSES": text}) == {"SMSHUB_WEB_PROCESSES"}


@pytest.mark.parametrize(
    "given, is_open",
    [
        ({}, True),
        ({"SMSHUB_CARRIERS": REAL}, False),
        ({"SMSHUB_CARRIERS": REAL, "SMSHUB_SIGNUP": "open"}, True),
        ({"SMSHUB_SIGNUP": "closed"}, False),
    ],
)
def test_anybody_may_sign_up_on_a_trial_and_elsewhere_where_the_operator_says_so(
    given: dict[str, str], is_open: bool
) -> None:
    assert settings.read(given).signup_open == is_open
