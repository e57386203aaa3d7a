"""Takes a grant away from a lab, or puts it back, by Google's own APIs; or fires the training and prints how it ended.

Usage: grants_client.py remove|add project|DATASET|b/BUCKET|run/SERVICE ROLE MEMBER
       grants_client.py fire JOB
"""

from __future__ import annotations

import json
import sys
import time

import google.auth
from google.auth.transport.requests import AuthorizedSession

CREDENTIALS, PROJECT = google.auth.default()
SESSION = AuthorizedSession(CREDENTIALS)
REGION = f"projects/{PROJECT}/locations/us-central1"


def asked(method: str, url: str, **more: object) -> dict:
    answer = SESSION.request(method, url, **more)
    answer.raise_for_status()
    return answer.json()


def change(verb: str, place: str, role: str, member: str) -> None:
    kind, _, name = place.partition("/")
    if kind == "project":
        url = f"https://cloudresourcemanager.googleapis.com/v1/projects/{PROJECT}"
        policy = asked("POST", f"{url}:getIamPolicy", json={})
        asked("POST", f"{url}:setIamPolicy", json={"policy": changed(policy, verb, role, member)})
    elif kind == "b":
        url = f"https://storage.googleapis.com/storage/v1/b/{name}/iam"
        asked("PUT", url, json=changed(asked("GET", url), verb, role, member))
    elif kind == "run":
        url = f"https://run.googleapis.com/v2/{REGION}/services/{name}"
        policy = asked("GET", f"{url}:getIamPolicy")
        asked("POST", f"{url}:setIamPolicy", json={"policy": changed(policy, verb, role, member)})
    else:
        url = f"https://bigquery.googleapis.com/bigquery/v2/projects/{PROJECT}/datasets/{place}"
        entry = {"role": role, "userByEmail": member.partition(":")[2]}
        access = asked("GET", url)["access"]
        kept = [other for other in access if other.get("userByEmail") != entry["userByEmail"]]
        if verb == "remove" and len(kept) == len(access):
            raise SystemExit(f"{place}: no entry of {member}; there are {json.dumps(access)}")
        asked("PATCH", url, json={"access": kept if verb == "remove" else [*kept, entry]})


def changed(policy: dict, verb: str, role: str, member: str) -> dict:
    bindings = policy.get("bindings", [])
    mine = [binding for binding in bindings if binding["role"] == role]
    if verb == "remove" and not any(member in binding["members"] for binding in mine):
        raise SystemExit(f"{role} is not granted to {member}; there are {json.dumps(bindings)}")
    members = {one for binding in mine for one in binding["members"]} - {member}
    members |= {member} if verb == "add" else set()
    others = [binding for binding in bindings if binding["role"] != role]
    return {**policy, "bindings": [*others, {"role": role, "members": sorted(members)}]}


def fire(job: str) -> dict:
    url = f"https://cloudscheduler.googleapis.com/v1/{REGION}/jobs/{job}"
    before = asked("GET", url).get("lastAttemptTime")
    asked("POST", f"{url}:run", json={})
    while (now := asked("GET", url)).get("lastAttemptTime") == before or "status" not in now:
        time.sleep(0.2)
    return now["status"]


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    if command == "fire":
        print(json.dumps(fire(*words)))
    else:
        change(command, *words)
