/** Grants as records: the key names the grant in the stack, so that adding one never renames another. */
import type * as pulumi from "@pulumi/pulumi";

export interface Grant {
  /** Predefined (`roles/...`) or custom role. */
  role: pulumi.Input<string>;
  /** IAM member, e.g. `serviceAccount:...`. */
  member: pulumi.Input<string>;
}
export type Grants = Record<string, Grant>;

/** The same role for several members. */
export function grantEach(role: string, members: Record<string, pulumi.Input<string>>): Grants {
  return Object.fromEntries(Object.entries(members).map(([key, member]) => [key, { role, member }]));
}
