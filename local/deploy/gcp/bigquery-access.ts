/**
 * A data set's access list as an IAM policy and back. Entries that are no grants of a role (authorised views, routines
 * and data sets) are carried along untouched.
 * Source: iam_bigquery_dataset.go of the official provider; cloud.google.com/bigquery/docs/access-control-basic-roles.
 */
import type { Properties, Value } from "../values";
import type { Policy } from "./iam";

const BASIC: Readonly<Record<string, string>> = {
  READER: "roles/bigquery.dataViewer",
  WRITER: "roles/bigquery.dataEditor",
  OWNER: "roles/bigquery.dataOwner",
};
const SPECIAL: ReadonlySet<string> = new Set([
  "projectOwners",
  "projectReaders",
  "projectWriters",
  "allAuthenticatedUsers",
]);

export function fromAccess(access: readonly Properties[]): Properties & Pick<Policy, "bindings"> {
  const bindings = new Map<string, { role: string; members: string[]; condition?: Properties }>();
  const others: Value[] = [];
  for (const entry of access) {
    const member = memberOf(entry);
    if (typeof entry.role !== "string" || member === undefined) {
      others.push(entry);
      continue;
    }
    const role = BASIC[entry.role] ?? entry.role;
    const condition = entry.condition as Properties | undefined;
    const key = `${role} ${JSON.stringify(condition ?? null)}`;
    const binding = bindings.get(key) ?? { role, members: [], ...(condition && { condition }) };
    binding.members.push(member);
    bindings.set(key, binding);
  }
  return { bindings: [...bindings.values()], ...(others.length > 0 && { others }) };
}

export function toAccess(policy: Policy): Value[] {
  const grants = (policy.bindings ?? []).flatMap(({ role, members, condition }) =>
    members.map((member): Value => ({ role, ...identity(member), ...(condition && { condition }) })),
  );
  return [...grants, ...((policy.others ?? []) as Value[])];
}

function memberOf(entry: Properties): string | undefined {
  if (typeof entry.userByEmail === "string")
    return `${entry.userByEmail.endsWith("gserviceaccount.com") ? "serviceAccount" : "user"}:${entry.userByEmail}`;
  if (typeof entry.groupByEmail === "string") return `group:${entry.groupByEmail}`;
  if (typeof entry.domain === "string") return `domain:${entry.domain}`;
  if (typeof entry.specialGroup === "string") return entry.specialGroup;
  return typeof entry.iamMember === "string" ? entry.iamMember : undefined;
}

function identity(member: string): Properties {
  const at = member.indexOf(":");
  const [kind, name] = [member.slice(0, Math.max(at, 0)), member.slice(at + 1)];
  if (SPECIAL.has(member)) return { specialGroup: member };
  if (kind === "user" || kind === "serviceAccount") return { userByEmail: name };
  if (kind === "group") return { groupByEmail: name };
  return kind === "domain" ? { domain: name } : { iamMember: member };
}
