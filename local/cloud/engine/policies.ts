/** IAM policies of every resource: read, replace under an etag, and the question who holds which role where. */
import { createHash } from "node:crypto";
import type { Binding, Policies, Store } from "../cloud";
import { ApiError } from "../errors";
import { checkMember, memberForms } from "./policies-members";
import { findRole, type RoleLookup } from "./policies-roles";
import type { Json, JsonObject, Principal } from "../service";
import type { Violation } from "../contract/validate-schema";
import { isObject, textOf } from "../json";
import { badRequest } from "../contract/validate";

export interface PoliciesOptions {
  store: Store;
  project: { id: string; number: string };
  /** Who created the project: owner in its first policy, as on Google Cloud. */
  operator: string;
}

export const policyKey = (fullName: string) => `policies/${fullName}`;

/** Google's etag of a policy that was never set. */
const UNSET = { etag: "ACAB" };

export function createPolicies({ store, project, operator }: PoliciesOptions): Policies {
  const projectName = `//cloudresourcemanager.googleapis.com/projects/${project.id}`;
  const roles: RoleLookup = { store, project: project.id };

  const read = async (resource: string): Promise<JsonObject> => {
    const stored = await store.get(policyKey(resource));
    if (stored || resource !== projectName) return stored ?? UNSET;
    const bindings = [{ role: "roles/owner", members: [`user:${operator}`] }];
    return { version: 1, bindings, etag: etagOf(bindings, 0) };
  };
  const bindingsOn = async (resource: string): Promise<Binding[]> => {
    const policies = await Promise.all(ancestry(resource, projectName).map(read));
    return policies.flatMap((policy) => (policy.bindings ?? []) as Binding[]);
  };
  const renameIn = (key: string, from: string, to: string) =>
    store.exclusive(key, async () => {
      const policy = await store.get(key);
      const bindings = (policy?.bindings ?? []) as Binding[];
      if (!bindings.some(({ members }) => members.includes(from))) return;
      const renamed = bindings.map((binding) => ({
        ...binding,
        members: binding.members.map((member) => (member === from ? to : member)),
      }));
      const revision = Number(policy?.revision ?? 0) + 1;
      await store.write({
        put: { [key]: { ...policy, bindings: renamed, etag: etagOf(renamed, revision), revision } },
      });
    });
  const rolesOf = async (
    principal: Principal,
    resource: string,
    more: readonly Binding[] = [],
  ): Promise<Set<string>> => {
    const bindings = [...(await bindingsOn(resource)), ...more];
    const forms = memberForms(principal, project.id, bindings);
    return new Set(
      bindings.filter(({ members }) => members.some((member) => forms.has(member))).map(({ role }) => role),
    );
  };

  return {
    get: async (resource) => visible(await read(fullName(resource, projectName))),
    set: (resource, policy) => {
      const name = fullName(resource, projectName);
      return store.exclusive(policyKey(name), async () => {
        const current = await read(name);
        if (typeof policy.etag === "string" && policy.etag !== "" && policy.etag !== current.etag) throw concurrent();
        const bindings = await checkPolicy(policy, roles);
        const revision = Number(current.revision ?? 0) + 1;
        const next: JsonObject = {
          version: 1,
          ...(bindings.length > 0 && { bindings }),
          ...(Array.isArray(policy.auditConfigs) &&
            policy.auditConfigs.length > 0 && { auditConfigs: policy.auditConfigs }),
          etag: etagOf(bindings, revision),
          revision,
        };
        await store.write({ put: { [policyKey(name)]: next } });
        return visible(next);
      });
    },
    renameMember: async (from, to) => {
      for (const { key } of await store.list(policyKey(""))) await renameIn(key, from, to);
    },
    permitted: async (principal, permissions, resource, more) => {
      const held = [...(await rolesOf(principal, fullName(resource, projectName), more))];
      const granted = await Promise.all(held.map((role) => findRole(roles, role)));
      return permissions.filter((permission) => granted.some((includes) => includes?.(permission)));
    },
  };
}

/** Stored policies count their revisions so that an etag never comes back; clients do not see the count. */
function visible({ revision: _revision, ...policy }: JsonObject): JsonObject {
  return policy;
}

const etagOf = (bindings: Json, revision: number) =>
  createHash("sha256")
    .update(JSON.stringify([bindings, revision]))
    .digest("base64")
    .slice(0, 12);

/** Text of Google's own answer; its clients repeat the whole read-modify-write on it. */
const concurrent = () =>
  new ApiError(
    "ABORTED",
    "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.",
    [],
    409,
    "aborted",
  );

/** The resource itself, everything above it that can carry a policy, the project. */
function ancestry(resource: string, projectName: string): string[] {
  const names: string[] = [];
  const [host, ...segments] = resource.slice(2).split("/");
  for (let length = segments.length; length > 2; length -= 2)
    names.push(`//${host}/${segments.slice(0, length).join("/")}`);
  return [...names, projectName];
}

/**
 * Full resource name. Relative names are understood where only one API has them: projects, service accounts, buckets
 * (`b/x` or `projects/_/buckets/x`) and data sets.
 */
function fullName(resource: string, projectName: string): string {
  if (resource.startsWith("//")) return resource;
  const rules: [RegExp, (match: RegExpExecArray) => string][] = [
    [/^projects\/[^/]+$/, () => projectName],
    [/^projects\/[^/]+\/serviceAccounts\/[^/]+$/, ([name]) => `//iam.googleapis.com/${name}`],
    [/^projects\/_\/buckets\/.+$/, ([name]) => `//storage.googleapis.com/${name}`],
    [/^(?:b|buckets)\/([^/]+)$/, (match) => `//storage.googleapis.com/projects/_/buckets/${match[1]}`],
    [/^projects\/[^/]+\/datasets\/.+$/, ([name]) => `//bigquery.googleapis.com/${name}`],
  ];
  for (const [pattern, name] of rules) {
    const match = pattern.exec(resource);
    if (match) return name(match);
  }
  throw new Error(`policy of '${resource}': expected a full resource name such as //run.googleapis.com/${resource}`);
}

/** Checks a policy as a whole and returns its bindings, equal roles merged, empty ones dropped. */
async function checkPolicy(policy: JsonObject, roles: RoleLookup): Promise<Binding[]> {
  const violations: Violation[] = [];
  if (![undefined, 0, 1, 3].includes(policy.version as number | undefined)) {
    violations.push({
      field: "policy.version",
      description: `Invalid policy version: got ${JSON.stringify(policy.version)}; valid values are 0, 1 and 3.`,
    });
  }
  const merged = new Map<string, Set<string>>();
  for (const [index, binding] of ((policy.bindings ?? []) as Json[]).entries()) {
    if (!isObject(binding)) continue;
    const place = `policy.bindings[${index}]`;
    if (binding.condition)
      throw new ApiError("UNIMPLEMENTED", `${place}: conditional role bindings are not evaluated by this cloud.`);
    const role = typeof binding.role === "string" ? binding.role : "";
    if (!(await findRole(roles, role))) {
      violations.push({
        field: `${place}.role`,
        description: `Role (${role}) does not exist in the resource's hierarchy.`,
      });
    }
    const members = merged.get(role) ?? new Set<string>();
    for (const [position, member] of ((binding.members ?? []) as Json[]).entries()) {
      const problem = await checkMember(roles, textOf(member));
      if (problem) violations.push({ field: `${place}.members[${position}]`, description: problem });
      members.add(textOf(member));
    }
    merged.set(role, members);
  }
  if (violations.length > 0) throw badRequest(violations);
  return [...merged]
    .filter(([, members]) => members.size > 0)
    .map(([role, members]) => ({ role, members: [...members] }));
}
