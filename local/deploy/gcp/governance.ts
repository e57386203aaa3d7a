/** Organization policies of the project, budgets of its billing account. */
import { isObject, type Properties, text, type Value } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { serverNamed } from "./server-named";
import { toRest, type Shape } from "./shape";
import { standard } from "./standard";

const plain: Shape[string] = { type: "string" };
const switched: Shape[string] = { type: "string", allowed: ["TRUE", "FALSE"] };

const rules: Shape[string] = {
  type: "list",
  fields: {
    enforce: switched,
    allowAll: switched,
    denyAll: switched,
    values: { type: "object", fields: { allowedValues: { type: "list" }, deniedValues: { type: "list" } } },
  },
};
const spec: Shape[string] = {
  type: "object",
  fields: {
    inheritFromParent: { type: "boolean" },
    reset: { type: "boolean" },
    rules,
    etag: { type: "string", computed: true, output: true },
    updateTime: { type: "string", computed: true, output: true },
  },
};
const policyShape: Shape = {
  name: { type: "string", required: true, replaces: true },
  parent: { type: "string", rest: false, required: true, replaces: true },
  spec,
  dryRunSpec: spec,
};

/** Switches are words in programs and truth values on the wire. */
function mapRules(policy: Properties, change: (value: Value) => Value): Properties {
  const specs = ["spec", "dryRunSpec"].filter((field) => isObject(policy[field]));
  const changed = specs.map((field): [string, Properties] => {
    const { rules: given, ...rest } = policy[field] as Properties;
    if (!Array.isArray(given)) return [field, rest];
    const mapped = (given as Properties[]).map((rule) =>
      Object.fromEntries(Object.entries(rule).map(([key, value]) => [key, isObject(value) ? value : change(value)])),
    );
    return [field, { ...rest, rules: mapped }];
  });
  return { ...policy, ...Object.fromEntries(changed) };
}
const policyBody = (inputs: Inputs) => mapRules(toRest(policyShape, inputs), (value) => value === "TRUE");
const readPolicy = (found: Properties) => mapRules(found, (value) => (value === true ? "TRUE" : "FALSE"));

const madePolicy = standard({
  type: "gcp:orgpolicy/policy:Policy",
  source: "orgpolicy.v2 projects.policies; google_org_policy_policy",
  api: "https://orgpolicy.googleapis.com/v2",
  shape: policyShape,
  name: ({ name }) => text(name),
  body: policyBody,
  outputs: { etag: "etag" },
  hasDeletionPolicy: true,
});
const policy: Descriptor = {
  ...madePolicy,
  create: async (...args) => readPolicy(await madePolicy.create(...args)),
  read: async (...args) => {
    const found = await madePolicy.read(...args);
    return found && readPolicy(found);
  },
  update: async (context, { news, changes }) => {
    const url = `https://orgpolicy.googleapis.com/v2/${text(news.name)}`;
    const parts = [...new Set(changes.map(({ path }) => `policy.${path.split(/[.[]/)[0]}`))];
    const updateMask = parts.filter((part) => part !== "policy.deletionPolicy").join(",");
    return readPolicy(await context.http.call({ method: "PATCH", url, query: { updateMask }, body: policyBody(news) }));
  },
};

const money: Shape = { currencyCode: { type: "string", computed: true }, units: plain, nanos: { type: "integer" } };
const budgetShape: Shape = {
  billingAccount: { type: "string", rest: false, required: true, replaces: true },
  displayName: plain,
  ownershipScope: { type: "string", computed: true },
  amount: {
    type: "object",
    required: true,
    fields: { lastPeriodAmount: { type: "boolean" }, specifiedAmount: { type: "object", fields: money } },
  },
  budgetFilter: {
    type: "object",
    computed: true,
    fields: {
      projects: { type: "list", set: true },
      services: { type: "list", computed: true },
      creditTypesTreatment: { type: "string", default: "INCLUDE_ALL_CREDITS" },
      creditTypes: { type: "list" },
      calendarPeriod: plain,
    },
  },
  thresholdRules: {
    type: "list",
    fields: {
      thresholdPercent: { type: "number", required: true },
      spendBasis: { type: "string", default: "CURRENT_SPEND", allowed: ["CURRENT_SPEND", "FORECASTED_SPEND"] },
    },
  },
  allUpdatesRule: {
    type: "object",
    rest: "notificationsRule",
    fields: {
      pubsubTopic: plain,
      schemaVersion: { type: "string", default: "1.0" },
      monitoringNotificationChannels: { type: "list" },
      disableDefaultIamRecipients: { type: "boolean" },
      enableProjectLevelRecipients: { type: "boolean" },
    },
  },
};

const budget = serverNamed({
  type: "gcp:billing/budget:Budget",
  source: "billingbudgets.v1 billingAccounts.budgets; google_billing_budget",
  api: "https://billingbudgets.googleapis.com/v1",
  collection: ({ billingAccount }) => `billingAccounts/${text(billingAccount).replace("billingAccounts/", "")}/budgets`,
  shape: budgetShape,
  outputs: { name: ({ name }) => text(name).split("/").at(-1)! },
  hasDeletionPolicy: true,
});

export const GOVERNANCE: readonly Descriptor[] = [policy, budget];
