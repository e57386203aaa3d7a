/** A monthly budget of this project with alerts; it tells of costs and never stops them. */
import * as billing from "@pulumi/gcp/billing";
import * as pulumi from "@pulumi/pulumi";

export interface MonthlyBudgetArgs {
  displayName: string;
  billingAccount: string;
  /** Number of the project; budgets know no project ids. */
  projectNumber: pulumi.Input<number>;
  /** Whole US dollars. */
  amount: number;
  /** Notification channels besides the account's own administrators. */
  channels: pulumi.Input<string>[];
}

export class MonthlyBudget extends pulumi.ComponentResource {
  constructor(name: string, args: MonthlyBudgetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:observability:MonthlyBudget", name, {}, opts);
    new billing.Budget(
      name,
      {
        billingAccount: args.billingAccount,
        displayName: args.displayName,
        amount: { specifiedAmount: { currencyCode: "USD", units: String(args.amount) } },
        budgetFilter: { projects: [pulumi.interpolate`projects/${args.projectNumber}`] },
        thresholdRules: [
          { thresholdPercent: 0.5 },
          { thresholdPercent: 0.9 },
          { thresholdPercent: 1, spendBasis: "FORECASTED_SPEND" },
        ],
        ...(args.channels.length > 0 ? { allUpdatesRule: { monitoringNotificationChannels: args.channels } } : {}),
      },
      { parent: this, dependsOn: opts?.dependsOn },
    );
    this.registerOutputs();
  }
}
