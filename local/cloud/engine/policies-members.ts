/** Members of role bindings: which texts are valid, and by which members a principal is meant. */
import type { Principal } from "../service";
import type { RoleLookup } from "./policies-roles";

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

/** Kinds of members with the shape of their value. Source: IAM docs, "Principal identifiers". */
const KINDS: Record<string, RegExp> = {
  user: EMAIL,
  serviceAccount: EMAIL,
  group: EMAIL,
  domain: /^[a-z0-9.-]+\.[a-z]{2,}$/i,
  projectOwner: /^[a-z][a-z0-9:.-]+$/,
  projectEditor: /^[a-z][a-z0-9:.-]+$/,
  projectViewer: /^[a-z][a-z0-9:.-]+$/,
  deleted: /^(user|serviceAccount|group):[^\s@]+@[^\s@]+\?uid=\d+$/,
  principal: /^\/\/\S+$/,
  principalSet: /^\/\/\S+$/,
};

/** What is wrong with a member, or undefined. A service account of our own project must exist, as on Google Cloud. */
export async function checkMember({ store, project }: RoleLookup, member: string): Promise<string | undefined> {
  if (member === "allUsers" || member === "allAuthenticatedUsers") return undefined;
  const [kind = "", ...rest] = member.split(":");
  const value = rest.join(":");
  const shape = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (!shape) return `The member ${member} is of an unknown type. Please set a valid type prefix for the member.`;
  if (!shape.test(value)) return `Invalid value for member ${member}: '${value}' is not a valid ${kind}.`;
  const isOurs = kind === "serviceAccount" && value.endsWith(`@${project}.iam.gserviceaccount.com`);
  if (isOurs && !(await store.get(`projects/${project}/serviceAccounts/${value}`)))
    return `Service account ${value} does not exist.`;
  return undefined;
}

/** The members that mean this principal; `bindings` are those in force, for members such as `projectOwner:p`. */
export function memberForms(
  principal: Principal,
  project: string,
  bindings: readonly { role: string; members: string[] }[],
): Set<string> {
  if (principal.kind === "anonymous") return new Set(["allUsers"]);
  const forms = new Set([`${principal.kind}:${principal.email}`, "allAuthenticatedUsers", "allUsers"]);
  for (const kind of ["owner", "editor", "viewer"]) {
    const holds = bindings.some(
      ({ role, members }) => role === `roles/${kind}` && members.some((member) => forms.has(member)),
    );
    if (holds) forms.add(`project${kind.charAt(0).toUpperCase()}${kind.slice(1)}:${project}`);
  }
  return forms;
}
