/** Roles as policies need them: does a role exist, does it include a permission. */
import type { Store } from "../cloud";
import { PREDEFINED_ROLES } from "../services/iam-roles";

export interface RoleLookup {
  store: Store;
  project: string;
}

/** Tells whether a role includes a permission; undefined if there is no such role. Deleted custom roles grant nothing. */
export async function findRole(
  { store, project }: RoleLookup,
  role: string,
): Promise<((permission: string) => boolean) | undefined> {
  const predefined = PREDEFINED_ROLES.get(role);
  if (predefined) return predefined.includes;
  const custom = role.startsWith(`projects/${project}/roles/`) ? await store.get(role) : undefined;
  if (!custom) return undefined;
  const names = custom.deleted === true ? [] : ((custom.includedPermissions ?? []) as string[]);
  return (permission) => names.includes(permission);
}
