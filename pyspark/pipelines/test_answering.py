"""The steps that change who answers, beside each other and interrupted: pointer, alias and endpoint end on one model."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace

import google.auth
import pytest
from answering import deploy, follow_champion, promote
from google.api_core.exceptions import FailedPrecondition, InvalidArgument, NotFound, PreconditionFailed
from google.auth.transport import requests
from google.cloud import aiplatform_v1, storage

from sparklab.champion import champion_pointer

FOLDER = "gs://b/models"
ENDPOINT = "projects/p/locations/r/endpoints/1"
NUMBERS = {"old": "1", "new": "2", "other": "3"}
CALLS = 20
"""More than any of the steps makes."""


class Killed(BaseException):
    """The step's process was killed."""


def named(version: str) -> str:
    return f"projects/p/locations/r/models/churn@{NUMBERS[version]}"


def text_of(version: str) -> str:
    return champion_pointer(
        FOLDER,
        version,
        pipeline_id=version,
        pipeline_job=f"projects/p/{version}",
        set_at=datetime(2026, 11, 21, 9, tzinfo=UTC),
        area_prc=0.6,
        model=named(version),
    )


class Cloud:
    """Cloud Storage's pointer, the registry's alias and an endpoint, as Google's clients see them."""

    def __init__(self, champion: str = "old") -> None:
        self.pointer, self.generation = (text_of(champion) if champion else None), 7
        self.champion_alias = NUMBERS.get(champion)
        self.shares = {NUMBERS[champion]: 100} if champion else {}
        self.refuses_to_deploy = False
        self.loses_an_answer = False
        self.writes = 0
        self.begun = 0
        self.meanwhile: Callable[[int], None] = lambda _: None
        """Told the number of each call before it is carried out."""

    def call(self) -> None:
        self.begun += 1
        self.meanwhile(self.begun)

    # Cloud Storage
    def download_as_bytes(self) -> bytes:
        self.call()
        if self.pointer is None:
            raise NotFound("no pointer")
        return self.pointer.encode()

    def upload_from_string(self, text: str, content_type: str, if_generation_match: int) -> None:
        self.call()
        if if_generation_match != (self.generation if self.pointer else 0):
            raise PreconditionFailed("conditionNotMet")
        self.pointer, self.generation, self.writes = text, self.generation + 1, self.writes + 1
        if self.loses_an_answer:
            raise PreconditionFailed("the library's own repetition of the write")

    # Vertex AI
    def post(self, url: str, json: dict) -> SimpleNamespace:
        self.call()
        assert json == {"versionAliases": ["champion", "-challenger", "default"]}
        self.champion_alias = url.removesuffix(":mergeVersionAliases").rpartition("@")[2]
        return SimpleNamespace(raise_for_status=lambda: None)

    def get_endpoint(self, name: str) -> SimpleNamespace:
        self.call()
        deployed = [SimpleNamespace(id=number) for number in self.shares]
        return SimpleNamespace(deployed_models=deployed, traffic_split={k: v for k, v in self.shares.items() if v})

    def deploy_model(self, request: dict) -> SimpleNamespace:
        self.call()
        if self.refuses_to_deploy:
            raise FailedPrecondition("model server never became ready")
        self.shares.setdefault(request["deployed_model"]["id"], 0)
        return SimpleNamespace(result=lambda timeout: timeout)

    def update_endpoint(self, request: dict) -> None:
        self.call()
        ((number, share),) = request["endpoint"]["traffic_split"].items()
        if number not in self.shares:
            raise InvalidArgument(f"{number} is not deployed")
        self.shares = {known: share if known == number else 0 for known in self.shares}

    def undeploy_model(self, request: dict) -> SimpleNamespace:
        self.call()
        number = request["deployed_model_id"]
        if number not in self.shares:
            raise NotFound(number)
        if self.shares[number]:
            raise FailedPrecondition(f"{number} has traffic")
        del self.shares[number]
        return SimpleNamespace(result=lambda timeout: timeout)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    return installed(Cloud(), monkeypatch)


def installed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    def blob(uri: str, client: object) -> Cloud:
        assert (uri, client) == (f"{FOLDER}/champion.json", "client")
        return cloud

    monkeypatch.setattr(storage, "Client", lambda: "client")
    monkeypatch.setattr(storage.Blob, "from_string", blob)
    monkeypatch.setattr(aiplatform_v1, "EndpointServiceClient", lambda client_options: cloud)
    monkeypatch.setattr(google.auth, "default", lambda scopes: ("credentials", "p"))
    monkeypatch.setattr(requests, "AuthorizedSession", lambda credentials: cloud)
    return cloud


def become_champion(version: str = "new", rival: str = "old") -> None:
    """Do what a run does whose model is better than `rival`."""
    serving = {"endpoint": ENDPOINT, "service_account": "scoring@p", "model": named(version)}
    deploy.python_func(**serving)
    run = {"pipeline_id": version, "pipeline_job": f"projects/p/{version}", "set_at": "2026-11-21T09:00:00.123Z"}
    promote.python_func(folder=FOLDER, version=version, rival=rival, area=0.6, **run, **serving)


def follow() -> str:
    return follow_champion.python_func(folder=FOLDER, endpoint=ENDPOINT, service_account="scoring@p")


def all_are_on(cloud: Cloud, version: str) -> None:
    number = NUMBERS[version]
    assert (cloud.pointer, cloud.champion_alias, cloud.shares) == (text_of(version), number, {number: 100})


@pytest.mark.parametrize("champion", ["", "old"])
def test_pointer_alias_and_endpoint_go_over_to_a_champion_and_nothing_else_stays_deployed(
    monkeypatch: pytest.MonkeyPatch, champion: str
) -> None:
    cloud = installed(Cloud(champion), monkeypatch)
    become_champion(rival=champion)
    all_are_on(cloud, "new")


def test_a_version_that_cannot_be_deployed_changes_nothing(cloud: Cloud) -> None:
    cloud.refuses_to_deploy = True
    with pytest.raises(FailedPrecondition, match="never became ready"):
        become_champion()
    all_are_on(cloud, "old")


def test_a_promotion_that_is_repeated_writes_nothing(cloud: Cloud) -> None:
    become_champion()
    become_champion(rival="new")
    become_champion(rival="old")
    all_are_on(cloud, "new")
    assert cloud.writes == 1


@pytest.mark.parametrize("at", range(1, CALLS))
def test_a_run_that_was_killed_at_any_moment_is_finished_when_its_steps_are_repeated(cloud: Cloud, at: int) -> None:
    def kill(number: int) -> None:
        if number == at:
            raise Killed

    cloud.meanwhile = kill
    try:
        become_champion()
    except Killed:
        become_champion()
    all_are_on(cloud, "new")
    assert cloud.writes == 1


@pytest.mark.parametrize("at", range(1, CALLS))
@pytest.mark.parametrize("rival", ["old", "new"])
def test_two_runs_end_on_one_model_whenever_the_other_promotes(cloud: Cloud, at: int, rival: str) -> None:
    """The other was compared with the champion before this run, or with this run's."""
    came_first = []

    def promote_other(number: int) -> None:
        if number == at and f'"{rival}"' in cloud.pointer:
            cloud.meanwhile = lambda _: None
            become_champion("other", rival)
            came_first.append("other")

    cloud.meanwhile = promote_other
    try:
        become_champion()
    except RuntimeError as refusal:
        assert rival == "old" and "got champion 'other'; expected 'old', which new was compared with" in str(refusal)
    all_are_on(cloud, "other" if came_first else "new")


def test_a_promotion_whose_answer_was_lost_is_known_by_what_the_pointer_names(cloud: Cloud) -> None:
    cloud.loses_an_answer = True
    become_champion()
    all_are_on(cloud, "new")


def test_a_run_without_a_champion_of_its_own_mends_what_an_earlier_one_left(cloud: Cloud) -> None:
    cloud.pointer, cloud.shares = text_of("new"), {"1": 100, "3": 0}
    assert follow() == named("new")
    all_are_on(cloud, "new")


@pytest.mark.parametrize("at", range(1, CALLS))
def test_two_runs_mend_the_same_beside_each_other(cloud: Cloud, at: int) -> None:
    def mend(number: int) -> None:
        if number == at:
            cloud.meanwhile = lambda _: None
            follow()

    cloud.pointer, cloud.shares, cloud.meanwhile = text_of("new"), {"1": 100, "3": 0}, mend
    follow()
    all_are_on(cloud, "new")


def test_a_champion_without_a_place_in_the_registry_leaves_the_endpoint_as_it_is(cloud: Cloud) -> None:
    cloud.pointer = '{"version": "by-hand"}'
    assert follow() == ""
    assert (cloud.champion_alias, cloud.shares) == ("1", {"1": 100})
