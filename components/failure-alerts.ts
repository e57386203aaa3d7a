/** Alerts on failed batches and pipelines, to one e-mail address when there is one. */
import * as monitoring from "@pulumi/gcp/monitoring";
import * as pulumi from "@pulumi/pulumi";

export interface FailureAlertsArgs {
  /** First part of every title. */
  labName: string;
  labels: Record<string, string>;
  /** Who is told. @default nobody: incidents are seen in the console alone */
  email?: string;
  /** Failures by key: a title, the log entries that mean it, and what to do. */
  failures: Record<string, { title: string; filter: string; advice: string }>;
}

export class FailureAlerts extends pulumi.ComponentResource {
  /** Notification channels of the lab. */
  readonly channels: pulumi.Output<string>[];

  constructor(name: string, args: FailureAlertsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:observability:FailureAlerts", name, {}, opts);
    const own = { parent: this, dependsOn: opts?.dependsOn };
    this.channels = args.email
      ? [
          new monitoring.NotificationChannel(
            name,
            {
              displayName: `${args.labName} operators`,
              type: "email",
              labels: { email_address: args.email },
              userLabels: args.labels,
              forceDelete: true,
            },
            own,
          ).id,
        ]
      : [];
    for (const [key, { title, filter, advice }] of Object.entries(args.failures)) {
      new monitoring.AlertPolicy(
        `${name}-${key}`,
        {
          displayName: `${args.labName}: ${title}`,
          combiner: "OR",
          severity: "ERROR",
          notificationChannels: this.channels,
          // Log entries themselves, not a metric of them: a new metric is unknown to alerts for minutes.
          conditions: [{ displayName: title, conditionMatchedLog: { filter } }],
          alertStrategy: { notificationRateLimit: { period: "3600s" }, autoClose: "86400s" },
          documentation: { content: advice, mimeType: "text/markdown" },
          userLabels: args.labels,
        },
        own,
      );
    }
    this.registerOutputs();
  }
}
