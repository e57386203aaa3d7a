/**
 * A recorded run: the grants in force and every distinct decision that was made under them, so that all can be decided
 * again with a grant taken away.
 */
import type { Binding, Cloud, Store } from "../cloud";
import { PROJECT } from "../compose";
import { OPERATOR } from "../door/principals";
import { createPolicies, policyKey } from "../engine/policies";
import type { JsonObject, Principal } from "../service";
import { agentBindings } from "../services/agent-roles";
import { datasetBindings, datasetResource } from "../services/bigquery/guard";
import { createAccess, type Decision } from "./access";

export type Grant = [resource: string, role: string, member: string];
type Asked = [principal: string, permission: string, resource: string, method: string];

export interface Recording {
  grants: Grant[];
  customRoles: Record<string, string[]>;
  /** Those that were granted: what was refused would still be. */
  decisions: Asked[];
}

/** Google gives these by itself, to the owner of a project and with a bucket or a data set. */
const isGoogles = ([, role, member]: Grant) =>
  /^project(Owner|Editor|Viewer):/.test(member) || (role === "roles/owner" && member === `user:${OPERATOR.email}`);

/** What the program has granted. */
export const declaredIn = (recording: Recording): Grant[] => recording.grants.filter((grant) => !isGoogles(grant));

/** `worker: storage.objectUser on sparklab-local-models`. */
export function shortName([resource, role, member]: Grant): string {
  const who = member
    .replace(/^\w+:/, "")
    .replace(/^sparklab-local-/, "")
    .replace(/^service-\d+@|^(bqcx)-\d+/, "$1");
  return `${who.replace(/@.*$|\.iam\.gserviceaccount\.com$/, "")}: ${role.replace(/^.*roles\//, "")} on ${resource.split("/").at(-1)!.replace(/@.*$/, "")}`;
}

export async function recordingOf(cloud: Cloud, log: readonly Decision[]): Promise<Recording> {
  const listed = await cloud.store.list(policyKey(""));
  const policies = listed.map(({ key, value }): [string, Binding[]] => [
    key.slice(policyKey("").length),
    (value.bindings ?? []) as unknown as Binding[],
  ]);
  const roles = await cloud.store.list(`projects/${cloud.project.id}/roles/`);
  const found = (await cloud.call(
    { methodId: "bigquery.datasets.list", path: { projectId: cloud.project.id } },
    OPERATOR,
  )) as {
    datasets?: { datasetReference: { datasetId: string } }[];
  };
  for (const { datasetReference } of found.datasets ?? []) {
    const resource = datasetResource(cloud.project.id, datasetReference.datasetId);
    policies.push([resource, [...(await datasetBindings(resource, cloud))]]);
  }
  const grants = policies.flatMap(([resource, bindings]) =>
    bindings.flatMap(({ role, members }) => members.filter(isWhole).map((member): Grant => [resource, role, member])),
  );
  const asked = log
    .filter(({ granted }) => granted)
    .map(({ principal, permission, resource, method }): Asked => [principal, permission, resource, method]);
  return {
    grants: unique(grants),
    customRoles: Object.fromEntries(roles.map(({ key, value }) => [key, value.includedPermissions as string[]])),
    decisions: unique(asked),
  };
}

/** An entry of an access list stands for a user and for an account of that name: one of the two is there. */
const isWhole = (member: string) =>
  !(member.startsWith("user:") && member.endsWith("gserviceaccount.com")) &&
  !(member.startsWith("serviceAccount:") && !member.endsWith("gserviceaccount.com"));

function unique<Line extends readonly string[]>(lines: readonly Line[]): Line[] {
  const sorted = new Map(lines.map((line) => [JSON.stringify(line), line]));
  return [...sorted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
}

/** The decisions that are refused under exactly these grants, by the real rules. */
export async function refusedUnder(
  grants: readonly Grant[],
  { customRoles, decisions }: Pick<Recording, "customRoles" | "decisions">,
): Promise<Asked[]> {
  const stored = new Map<string, JsonObject>();
  for (const [resource, role, member] of grants) {
    const key = policyKey(resource);
    const bindings = (stored.get(key)?.bindings ?? []) as JsonObject[];
    stored.set(key, { bindings: [...bindings, { role, members: [member] }] });
  }
  // Without it the project would have its first policy, in which the operator is the owner.
  const project = policyKey(`//cloudresourcemanager.googleapis.com/projects/${PROJECT.id}`);
  if (!stored.has(project)) stored.set(project, { bindings: [] });
  for (const [name, includedPermissions] of Object.entries(customRoles)) stored.set(name, { includedPermissions });
  const access = createAccess({
    policies: createPolicies({
      ...{ project: PROJECT, operator: OPERATOR.email },
      store: { get: async (key: string) => stored.get(key) } as Store,
    }),
    bindingsOf: async () => agentBindings(PROJECT.number),
  });
  const refused: Asked[] = [];
  for (const asked of decisions) {
    const [email, permission, resource, method] = asked;
    const kind = email.endsWith("gserviceaccount.com") ? "serviceAccount" : "user";
    const principal: Principal = { kind, email, via: "accessToken" };
    if (!(await access.permits({ principal, permission, resource, method }))) refused.push(asked);
  }
  return refused;
}
