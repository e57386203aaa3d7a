/** Roles as policies need them: does a role exist, does it include a permission. */
import type { Store } from "./cloud";
import { PREDEFINED_ROLES } from "./services/iam-roles";

export interface RoleLookup {
  store: Store;
  project: string;
}

/** What a role permits: names, or prefixes that end in `*`. Undefined if there is no such role; deleted ones grant nothing. */
export async function permissionsOfRole(
  { store, project }: RoleLookup,
  role: string,
): Promise<readonly string[] | undefined> {
  const predefined = PREDEFINED_ROLES.get(role);
  if (predefined) return predefined.includedPermissions;
  const custom = role.startsWith(`projects/${project}/roles/`) ? await store.get(role) : undefined;
  if (!custom) return undefined;
  return custom.deleted === true ? [] : ((custom.includedPermissions ?? []) as string[]);
}

export const covers = (pattern: string, permission: string) =>
  pattern.endsWith("*") ? permission.startsWith(pattern.slice(0, -1)) : pattern === permission;
