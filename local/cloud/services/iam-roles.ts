/** Predefined roles as questions are asked of them: does it exist, what does it include. */
import { AGENT_ROWS } from "./agent-roles";
import { MANAGED_ROWS } from "./iam-roles-managed";
import { PLATFORM_ROWS } from "./iam-roles-platform";
import { ROWS, type Row } from "./iam-roles-table";

export interface PredefinedRole {
  title: string;
  description: string;
  includedPermissions: readonly string[];
  /** Whether the role includes a permission that the table does not list (basic roles have thousands). */
  includes: (permission: string) => boolean;
}

/** `storage.objects get list; …` as permission names, sorted, each once. */
function expand(text: string): string[] {
  const names = text.split(";").flatMap((group) => {
    const [resource, ...verbs] = group.trim().split(/\s+/);
    return verbs.map((verb) => `${resource}.${verb}`);
  });
  return [...new Set(names)].sort();
}

function predefined([title, description, permissions]: Row): PredefinedRole {
  const names = expand(permissions);
  return { title, description, includedPermissions: names, includes: (permission) => names.includes(permission) };
}

const specific = Object.entries({ ...ROWS, ...PLATFORM_ROWS, ...MANAGED_ROWS, ...AGENT_ROWS }).map(
  ([name, row]) => [name, predefined(row)] as const,
);
const KNOWN = [...new Set(specific.flatMap(([, { includedPermissions }]) => includedPermissions))].sort();

/** Being someone else is granted to nobody by a basic role. */
const IMPERSONATION = /^iam\.serviceAccounts\.(getAccessToken|getOpenIdToken|implicitDelegation|signBlob|signJwt)$/;

/** A basic role by its rule; its listed permissions are those of this table. */
function basic(title: string, description: string, includes: (permission: string) => boolean): PredefinedRole {
  return { title, description, includes, includedPermissions: KNOWN.filter(includes) };
}

const isRead = (permission: string) => /\.(get|list|getIamPolicy|listParts)$/.test(permission);
const isAdministration = (permission: string) =>
  /\.(setIamPolicy)$/.test(permission) || /^iam\.(roles|serviceAccountKeys)\./.test(permission);

export const PREDEFINED_ROLES: ReadonlyMap<string, PredefinedRole> = new Map([
  ["roles/owner", basic("Owner", "Full access to most Google Cloud resources.", (name) => !IMPERSONATION.test(name))],
  [
    "roles/editor",
    basic(
      "Editor",
      "View, create, update, and delete most Google Cloud resources.",
      (name) => !IMPERSONATION.test(name) && !isAdministration(name),
    ),
  ],
  ["roles/viewer", basic("Viewer", "View most Google Cloud resources.", isRead)],
  ...specific,
]);
