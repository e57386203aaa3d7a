/** Organization Policy v2: policies set on the project, and what they forbid. */
import type { Cloud } from "../cloud";
import { ApiError, invalid } from "../errors";
import { isObject, textOf } from "../json";
import type { Hook, Json, JsonObject, ResourceType, Service } from "../service";

const KINDS = ["values", "allowAll", "denyAll", "enforce"];

/** Each rule says one thing; a policy that is reset to its default has none. */
const check: Hook = ({ next, cloud }) => {
  for (const field of ["spec", "dryRunSpec"]) {
    const spec = next[field];
    if (!isObject(spec)) continue;
    const rules = (spec.rules ?? []) as JsonObject[];
    if (spec.reset === true && (rules.length > 0 || spec.inheritFromParent === true))
      throw invalid(`${field}: a policy that is reset has neither rules nor inheritFromParent.`);
    for (const [index, rule] of rules.entries()) {
      const set = KINDS.filter((kind) => rule[kind] !== undefined);
      if (set.length !== 1)
        throw invalid(
          `${field}.rules[${index}]: got ${set.join(", ") || "nothing"}; expected one of ${KINDS.join(", ")}.`,
        );
    }
    spec.updateTime = cloud.now().toISOString();
  }
};

const policies: ResourceType = {
  collection: "orgpolicy.projects.policies",
  schema: "GoogleCloudOrgpolicyV2Policy",
  listField: "policies",
  name: "projects/{project}/policies/{constraint}",
  id: { bodyName: true },
  idPattern: /^[a-zA-Z]+(\.managed)?\.[a-zA-Z0-9.]+$/,
  maskPrefix: "policy",
  before: { create: check, patch: check },
  source: "https://cloud.google.com/resource-manager/docs/reference/orgpolicy/rest/v2/organizations.policies",
};

export const orgPolicy: Service = { apis: ["orgpolicy.v2"], types: [policies], methods: {} };

/**
 * The constraints whose violation is refused here. Each is asked where what it forbids is done; the others of Google's
 * are about things that this cloud does not have.
 */
export type Constraint =
  | "compute.disableSerialPortLogging"
  | "compute.requireOsLogin"
  | "compute.requireShieldedVm"
  | "iam.disableServiceAccountKeyCreation"
  | "storage.publicAccessPrevention"
  | "storage.uniformBucketLevelAccess";

/** Whether the project enforces a constraint. */
export async function isEnforced(constraint: Constraint, { store, project }: Cloud): Promise<boolean> {
  const policy = await store.get(`projects/${project.id}/policies/${constraint}`);
  const rules = isObject(policy?.spec) ? ((policy.spec.rules ?? []) as JsonObject[]) : [];
  return rules.some(({ enforce }) => enforce === true);
}

/** The refusal of a call that a constraint forbids; `http` and `reason` are those of the older APIs. */
export function violation(constraint: Constraint, subject: string, message: string, http?: number, reason?: string) {
  const violations = [{ type: `constraints/${constraint}`, subject, description: message }];
  const details = [{ "@type": "type.googleapis.com/google.rpc.PreconditionFailure", violations }];
  return new ApiError("FAILED_PRECONDITION", message, details, http, reason);
}

/**
 * What a machine may not be.
 * Source: https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints
 */
export async function checkMachine(
  name: string,
  { shielded, metadata }: { shielded: Json | undefined; metadata: Json | undefined },
  cloud: Cloud,
): Promise<void> {
  const has = (key: string) => (isObject(metadata) ? textOf(metadata[key]).toUpperCase() : "");
  const config = isObject(shielded) ? shielded : {};
  const parts = {
    enableSecureBoot: "Secure Boot",
    enableVtpm: "vTPM",
    enableIntegrityMonitoring: "Integrity Monitoring",
  };
  const missing = Object.entries(parts).filter(([field]) => config[field] !== true);
  const broken: [Constraint, string | undefined][] = [
    ["compute.requireShieldedVm", missing.map(([, part]) => `${part} is not enabled.`).join(" ") || undefined],
    ["compute.requireOsLogin", has("enable-oslogin") === "FALSE" ? "Metadata enable-oslogin is FALSE." : undefined],
    [
      "compute.disableSerialPortLogging",
      has("serial-port-logging-enable") === "TRUE" ? "Metadata serial-port-logging-enable is TRUE." : undefined,
    ],
  ];
  for (const [constraint, why] of broken)
    if (why !== undefined && (await isEnforced(constraint, cloud)))
      throw violation(
        constraint,
        name,
        `Constraint constraints/${constraint} violated for project ${cloud.project.id}. ${why}`,
      );
}
