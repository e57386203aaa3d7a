/** Observation and governance through the host's provider against a live cloud. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { billingBudgets } from "../../cloud/services/billingbudgets";
import { iam } from "../../cloud/services/iam";
import { logging } from "../../cloud/services/logging";
import { monitoring } from "../../cloud/services/monitoring";
import { orgPolicy } from "../../cloud/services/orgpolicy";
import { liveProvider, type LiveProvider } from "../../life-cycle-testing";
import type { Properties } from "../values";

const P = "projects/sparklab-local";
const N = "projects/100000000001";
const EMAIL = "caller@sparklab-local.iam.gserviceaccount.com";

let google: LiveProvider;
beforeAll(async () => {
  google = await liveProvider([iam, billingBudgets, logging, ...monitoring, orgPolicy]);
  await google.make("gcp:serviceaccount/account:Account", { accountId: "caller" });
});
afterAll(() => google.close());

const refused = (type: string, inputs: Properties) => {
  const checked = google.provider.check(type, "urn:pulumi:test::p::t::n", inputs, undefined);
  return expect(google.provider.create(type, checked.inputs, {})).rejects;
};

describe("observation", () => {
  test("ProjectSink", () => {
    const inputs: Properties = {
      ...{ name: "lab-sink", filter: 'resource.type="cloud_dataproc_batch"' },
      destination: `bigquery.googleapis.com/${P}/datasets/lab`,
      bigqueryOptions: { usePartitionedTables: true },
    };
    return google.live({
      type: "gcp:logging/projectSink:ProjectSink",
      inputs,
      id: `${P}/sinks/lab-sink`,
      outputs: { writerIdentity: "serviceAccount:service-100000000001@gcp-sa-logging.iam.gserviceaccount.com" },
      change: [{ ...inputs, filter: "severity>=WARNING" }, ["filter"]],
      replace: [{ ...inputs, name: "other" }, ["name"]],
    });
  });

  test("Metric", () => {
    const inputs = {
      name: "lab-metric",
      filter: "severity>=ERROR",
      metricDescriptor: { metricKind: "DELTA", valueType: "INT64" },
    };
    return google.live({
      type: "gcp:logging/metric:Metric",
      inputs,
      id: "lab-metric",
      outputs: { metricDescriptor: { unit: "1" } },
      change: [{ ...inputs, description: "x" }, ["description"]],
      replace: [{ ...inputs, name: "other" }, ["name"]],
    });
  });

  test("NotificationChannel and AlertPolicy, which hinders its deletion", async () => {
    const CHANNEL = "gcp:monitoring/notificationChannel:NotificationChannel";
    const channel: Properties = { type: "email", displayName: "mail", labels: { email_address: "a@b.c" } };
    const used = await google.make(CHANNEL, channel);
    const policy: Properties = {
      ...{ displayName: "x", combiner: "OR", notificationChannels: [used.id] },
      conditions: [{ displayName: "c", conditionMatchedLog: { filter: "severity>=ERROR" } }],
      alertStrategy: { notificationRateLimit: { period: "3600s" } },
    };
    await google.live({
      type: "gcp:monitoring/alertPolicy:AlertPolicy",
      inputs: policy,
      id: /^projects\/sparklab-local\/alertPolicies\/\d+$/,
      outputs: { enabled: true },
      change: [{ ...policy, displayName: "y" }, ["displayName"]],
      before: () => expect(google.provider.delete(CHANNEL, used, {})).rejects.toThrow("it is used by"),
    });
    await google.live({
      type: CHANNEL,
      inputs: channel,
      id: /^projects\/sparklab-local\/notificationChannels\/\d+$/,
      change: [{ ...channel, displayName: "mail2" }, ["displayName"]],
      replace: [{ ...channel, type: "pubsub", labels: { topic: "t" } }, ["type"]],
    });
  });

  test("Dashboard", () => {
    const json = (title: string) =>
      JSON.stringify({
        displayName: title,
        gridLayout: { widgets: [{ title: "t", text: { content: "x", format: "MARKDOWN" } }] },
      });
    return google.live({
      type: "gcp:monitoring/dashboard:Dashboard",
      inputs: { dashboardJson: json("Lab") },
      id: /^projects\/sparklab-local\/dashboards\/[0-9a-f-]{36}$/,
      change: [{ dashboardJson: json("Lab2") }, ["dashboardJson"]],
    });
  });
});

describe("governance", () => {
  test("Policy, which is obeyed where this cloud knows its constraint", async () => {
    const keys = `POST https://iam.googleapis.com/v1/${P}/serviceAccounts/${EMAIL}/keys`;
    const name = `${P}/policies/iam.disableServiceAccountKeyCreation`;
    const inputs = (enforce: string): Properties => ({ name, parent: P, spec: { rules: [{ enforce }] } });
    const enforced = await google.make("gcp:orgpolicy/policy:Policy", inputs("TRUE"));
    expect((await google.lab.refusal(keys, {})).message).toBe("Key creation is not allowed on this service account.");
    await google.provider.delete("gcp:orgpolicy/policy:Policy", enforced, {});
    expect(await google.lab.rest(keys, {})).toHaveProperty("privateKeyData");
    await google.live({
      type: "gcp:orgpolicy/policy:Policy",
      inputs: inputs("TRUE"),
      id: name,
      outputs: { spec: { rules: [{ enforce: "TRUE" }] } },
      change: [inputs("FALSE"), ["spec.rules[0].enforce"]],
      replace: [{ ...inputs("TRUE"), name: `${P}/policies/compute.requireOsLogin` }, ["name"]],
    });
  });

  test("Budget, of the project's billing account only", async () => {
    const inputs: Properties = {
      ...{ billingAccount: "000000-000000-000000", displayName: "lab" },
      amount: { specifiedAmount: { currencyCode: "USD", units: "100" } },
      budgetFilter: { projects: [N] },
      thresholdRules: [{ thresholdPercent: 0.5 }, { thresholdPercent: 1, spendBasis: "FORECASTED_SPEND" }],
      allUpdatesRule: { pubsubTopic: `${P}/topics/runs` },
    };
    const type = "gcp:billing/budget:Budget";
    await google.live({
      type,
      inputs,
      id: /^billingAccounts\/000000-000000-000000\/budgets\/[0-9a-f-]{36}$/,
      outputs: { ownershipScope: "ALL_USERS" },
      change: [{ ...inputs, displayName: "lab2" }, ["displayName"]],
      replace: [{ ...inputs, billingAccount: "111111-000000-000000" }, ["billingAccount"]],
    });
    await refused(type, { ...inputs, billingAccount: "111111-000000-000000" }).toThrow("does not have permission");
  });
});
