/** Organization Policy v2: policies set on the project. */
import type { Cloud } from "../cloud";
import { invalid } from "../errors";
import { isObject } from "../json";
import type { Hook, JsonObject, ResourceType, Service } from "../service";

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

/** Whether the project enforces a constraint such as `iam.disableServiceAccountKeyCreation`. */
export async function isEnforced(constraint: string, { store, project }: Cloud): Promise<boolean> {
  const policy = await store.get(`projects/${project.id}/policies/${constraint}`);
  const rules = isObject(policy?.spec) ? ((policy.spec.rules ?? []) as JsonObject[]) : [];
  return rules.some(({ enforce }) => enforce === true);
}
