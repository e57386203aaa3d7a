/** Predefined roles that this cloud knows. */
export interface PredefinedRole {
  title: string;
  description: string;
  includedPermissions: readonly string[];
}
export const PREDEFINED_ROLES: ReadonlyMap<string, PredefinedRole> = new Map([
  [
    "roles/owner",
    { title: "Owner", description: "Full access to most Google Cloud resources.", includedPermissions: ["*"] },
  ],
]);
