/** The rules of the pack, in the form that Pulumi's engine asks them in. */
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { ifKnown, type Rule } from "./rule";
import { deletionProtection } from "./rules/deletion-protection";
import { explicitAuthentication } from "./rules/explicit-authentication";
import { labLabels } from "./rules/lab-labels";
import { noBasicRoles } from "./rules/no-basic-roles";
import { noDefaultAccounts } from "./rules/no-default-accounts";
import { noPublicAddresses } from "./rules/no-public-addresses";
import { noPublicMembers } from "./rules/no-public-members";
import { privateBuckets } from "./rules/private-buckets";
import { sessionLimits } from "./rules/session-limits";
import { supportedSparkRuntimes } from "./rules/supported-runtimes";

export const RULES: readonly Rule[] = [
  noBasicRoles,
  noPublicMembers,
  noDefaultAccounts,
  privateBuckets,
  noPublicAddresses,
  supportedSparkRuntimes,
  explicitAuthentication,
  sessionLimits,
  labLabels,
  deletionProtection,
];

export const policies: ResourceValidationPolicy[] = RULES.map(({ name, description, check }) => ({
  name,
  description,
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    for (const problem of ifKnown(() => check({ type, props }))) report(problem);
  },
}));
