"""A service account with roles on the project, made by requests of Google's APIs."""

from __future__ import annotations

from google.auth.transport.requests import AuthorizedSession


def make_account(session: AuthorizedSession, project: str, name: str, roles: tuple[str, ...]) -> str:
    """The account's email; an account that is there already has its roles."""
    url = f"https://iam.googleapis.com/v1/projects/{project}/serviceAccounts"
    made = session.post(url, json={"accountId": name})
    email = f"{name}@{project}.iam.gserviceaccount.com"
    if made.status_code == 409:
        return email
    made.raise_for_status()
    policies = f"https://cloudresourcemanager.googleapis.com/v1/projects/{project}"
    answer = session.post(f"{policies}:getIamPolicy", json={})
    answer.raise_for_status()
    policy = answer.json()
    granted = [{"role": f"roles/{role}", "members": [f"serviceAccount:{email}"]} for role in roles]
    policy["bindings"] = [*policy.get("bindings", []), *granted]
    session.post(f"{policies}:setIamPolicy", json={"policy": policy}).raise_for_status()
    return email
