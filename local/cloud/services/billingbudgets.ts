/** Cloud Billing Budgets v1: budgets of the project's billing account. Nothing is billed here, so none is ever reached. */
import { ApiError } from "../errors";
import { textOf } from "../json";
import type { Hook, JsonObject, ResourceType, Service } from "../service";
import { ACCOUNT } from "./cloudbilling";

const check: Hook = ({ next, call }) => {
  const account = textOf(next.name ?? call.path.parent ?? call.path.name).split("/budgets/")[0];
  if (account !== ACCOUNT.name)
    throw new ApiError("PERMISSION_DENIED", `The caller does not have permission on ${account}.`);
  const rules = (next.thresholdRules ?? []) as JsonObject[];
  for (const rule of rules) rule.spendBasis ??= "CURRENT_SPEND";
};

const budgets: ResourceType = {
  collection: "billingbudgets.billingAccounts.budgets",
  schema: "GoogleCloudBillingBudgetsV1Budget",
  listField: "budgets",
  name: "billingAccounts/{account}/budgets/{id}",
  id: { server: "uuid" },
  required: ["amount"],
  defaults: { "budgetFilter.creditTypesTreatment": "INCLUDE_ALL_CREDITS", ownershipScope: "ALL_USERS" },
  before: { create: check, patch: check },
  source: "https://cloud.google.com/billing/docs/reference/budget/rest/v1/billingAccounts.budgets",
};

export const billingBudgets: Service = { apis: ["billingbudgets.v1"], types: [budgets], methods: {} };
