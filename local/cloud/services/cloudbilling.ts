/** Cloud Billing v1: the project's link to its billing account, as far as clients ask whether billing is on. */
import { ApiError } from "../errors";
import type { Service } from "../service";

/** The lab costs nothing; the account exists so that programs which ask for one find it. */
export const ACCOUNT = {
  name: "billingAccounts/000000-000000-000000",
  displayName: "sparklab",
  open: true,
  currencyCode: "USD",
} as const;

export const cloudBilling: Service = {
  apis: ["cloudbilling.v1"],
  types: [],
  methods: {
    "cloudbilling.projects.getBillingInfo": async (_call, { project }) => ({
      name: `projects/${project.id}/billingInfo`,
      projectId: project.id,
      billingAccountName: ACCOUNT.name,
      billingEnabled: true,
    }),
    "cloudbilling.billingAccounts.list": async () => ({ billingAccounts: [ACCOUNT] }),
    "cloudbilling.billingAccounts.get": async (call) => {
      if (call.path.name === ACCOUNT.name) return ACCOUNT;
      throw new ApiError("PERMISSION_DENIED", "The caller does not have permission");
    },
  },
};
