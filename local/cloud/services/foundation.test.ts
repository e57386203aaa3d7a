/**
 * The services under a stack's foundation, asked as the official gcp provider asks: the sequences of requests are those
 * that it was observed to send, the expectations are the fields whose absence made it plan a change or fail.
 */
import { beforeAll, describe, expect, test } from "@jest/globals";
import { textOf } from "../json";
import type { JsonObject } from "../service";
import { FoundationLab, P, PROVIDER } from "./foundation-testing";

const N = "projects/100000000001";

const lab = new FoundationLab();
const { rest } = lab;

describe("what the provider reads before it begins", () => {
  test("regions contain us-central1", async () => {
    const { items } = await rest(`GET https://compute.googleapis.com/compute/v1/${P}/regions?${PROVIDER}`);
    expect(items).toContainEqual(
      expect.objectContaining({ name: "us-central1", status: "UP", kind: "compute#region" }),
    );
  });
  test("the project by number through Compute's beta has the project's id as name", async () => {
    expect(await rest(`GET https://compute.googleapis.com/compute/beta/${N}?${PROVIDER}`)).toMatchObject({
      name: "sparklab-local",
    });
  });
  test("getProject finds the project with its number as text, and billing on", async () => {
    expect(await rest(`GET https://cloudresourcemanager.googleapis.com/v1/${P}?${PROVIDER}`)).toMatchObject({
      projectNumber: "100000000001",
      projectId: "sparklab-local",
      lifecycleState: "ACTIVE",
    });
    expect(await rest(`GET https://cloudbilling.googleapis.com/v1/${P}/billingInfo?${PROVIDER}`)).toEqual({
      name: `${P}/billingInfo`,
      projectId: "sparklab-local",
      billingAccountName: "billingAccounts/000000-000000-000000",
      billingEnabled: true,
    });
  });
});

describe("projects.Service", () => {
  const host = "https://serviceusage.googleapis.com";
  const list = `GET ${host}/v1/${P}/services?${PROVIDER}&fields=services%2Fname%2CnextPageToken&filter=state%3AENABLED&pageSize=200`;
  const names = async () => ((await rest(list)).services as JsonObject[]).map(({ name }) => name);

  test("is listed after enabling, by the filter and the fields mask that the provider sends", async () => {
    expect(await names()).not.toContain(`${N}/services/dataproc.googleapis.com`);
    const operation = await rest(`POST ${host}/v1/${P}/services/dataproc.googleapis.com:enable?${PROVIDER}`, {});
    expect(operation).toMatchObject({ done: true, name: expect.stringMatching(/^operations\//) });
    expect(await rest(`GET ${host}/v1beta1/${textOf(operation.name)}?alt=json`)).toEqual(operation);
    const { services } = await rest(list);
    expect(services).toContainEqual({ name: `${N}/services/dataproc.googleapis.com` });
  });
  test("several are enabled at once and one is disabled", async () => {
    await rest(`POST ${host}/v1/${P}/services:batchEnable?${PROVIDER}`, {
      serviceIds: ["run.googleapis.com", "iam.googleapis.com"],
    });
    expect(await names()).toEqual(
      expect.arrayContaining([`${N}/services/run.googleapis.com`, `${N}/services/iam.googleapis.com`]),
    );
    await rest(`POST ${host}/v1/${P}/services/run.googleapis.com:disable?${PROVIDER}`, {
      checkIfServiceHasUsage: "SKIP",
      disableDependentServices: true,
    });
    expect(await names()).not.toContain(`${N}/services/run.googleapis.com`);
  });
  test("refuses a service that Google does not describe", async () => {
    const error = await lab.refusal(`POST ${host}/v1/${P}/services/sparklab.googleapis.com:enable`, {});
    expect(error.http).toBe(403);
    expect(error.message).toBe("Not found or permission denied for service(s): sparklab.googleapis.com.");
  });
  test("a service identity comes in the operation's response", async () => {
    const operation = await rest(
      `POST ${host}/v1beta1/${P}/services/aiplatform.googleapis.com:generateServiceIdentity?alt=json`,
    );
    expect(operation).toMatchObject({
      done: true,
      response: {
        email: "service-100000000001@gcp-sa-aiplatform.iam.gserviceaccount.com",
        uniqueId: expect.stringMatching(/^\d{21}$/),
      },
    });
  });
});

describe("projects.IAMCustomRole", () => {
  const roles = `https://iam.googleapis.com/v1/${P}/roles`;
  const role = { title: "t", stage: "GA", includedPermissions: ["dataproc.batches.create"] };

  test("is looked up, created, changed without a mask, deleted and undeleted", async () => {
    expect((await lab.refusal(`GET ${roles}/sparkBatchSubmitter?${PROVIDER}`)).http).toBe(404);
    const made = await rest(`POST ${roles}?${PROVIDER}`, { role, roleId: "sparkBatchSubmitter" });
    expect(made).toMatchObject({ name: `${P}/roles/sparkBatchSubmitter`, ...role });
    expect(await rest(`GET ${roles}/sparkBatchSubmitter`)).toEqual(made);
    const changed = await rest(`PATCH ${roles}/sparkBatchSubmitter?${PROVIDER}`, { ...role, title: "t2" });
    expect(changed).toMatchObject({ title: "t2", includedPermissions: role.includedPermissions });
    expect(await rest(`DELETE ${roles}/sparkBatchSubmitter?${PROVIDER}`)).toMatchObject({ deleted: true });
    expect(await rest(`GET ${roles}`)).toEqual({});
    expect(await rest(`POST ${roles}/sparkBatchSubmitter:undelete`, {})).not.toHaveProperty("deleted");
  });
  test("predefined roles are read with their permissions, listed without", async () => {
    expect(await rest("GET https://iam.googleapis.com/v1/roles/storage.objectViewer")).toMatchObject({
      title: "Storage Object Viewer",
      includedPermissions: expect.arrayContaining(["storage.objects.get", "storage.objects.list"]),
    });
    const { roles: listed } = await rest("GET https://iam.googleapis.com/v1/roles?pageSize=1000");
    expect((listed as JsonObject[])[0]).not.toHaveProperty("includedPermissions");
  });
});

describe("projects.IAMMember", () => {
  const policy = `https://cloudresourcemanager.googleapis.com/v1/${P}`;
  const read = () => rest(`POST ${policy}:getIamPolicy?${PROVIDER}`, { options: { requestedPolicyVersion: 3 } });
  const set = (value: JsonObject) =>
    rest(`POST ${policy}:setIamPolicy?${PROVIDER}`, { policy: value, updateMask: "bindings,etag,auditConfigs" });
  beforeAll(() => rest(`POST https://iam.googleapis.com/v1/${P}/serviceAccounts`, { accountId: "spark-worker" }));

  test("the operator owns the project from the beginning", async () => {
    const permissions = ["dataproc.batches.create", "iam.serviceAccounts.getAccessToken"];
    expect(await rest(`POST ${policy}:testIamPermissions`, { permissions })).toEqual({
      permissions: ["dataproc.batches.create"],
    });
  });
  test("a custom role and a predefined one are granted and found", async () => {
    const { bindings, etag } = await read();
    const member = "serviceAccount:spark-worker@sparklab-local.iam.gserviceaccount.com";
    const more = [`${P}/roles/sparkBatchSubmitter`, "roles/bigquery.user"].map((role) => ({ role, members: [member] }));
    await set({ bindings: [...(bindings as JsonObject[]), ...more], etag: etag!, version: 3 });
    expect((await read()).bindings).toEqual(expect.arrayContaining(more));
    const principal = { kind: "serviceAccount", email: member.slice(15), via: "accessToken" } as const;
    const runs = ["bigquery.jobs.create"];
    expect(await lab.cloud.policies.permitted(principal, runs, `${P}/datasets/d`)).toEqual(runs);
    const permissions = ["dataproc.batches.create", "dataproc.batches.delete"];
    expect(await lab.rest(`POST ${policy}:testIamPermissions`, { permissions }, principal)).toEqual({
      permissions: ["dataproc.batches.create"],
    });
  });
  test("all wrong roles and members of a policy are refused at once", async () => {
    const { etag } = await read();
    const bindings = [
      { role: "roles/nosuch.role", members: ["nobody", "serviceAccount:ghost@sparklab-local.iam.gserviceaccount.com"] },
    ];
    const { http, details } = await lab.refusal(`POST ${policy}:setIamPolicy`, { policy: { bindings, etag: etag! } });
    expect(http).toBe(400);
    expect((details[0]!.fieldViolations as JsonObject[]).map(({ field }) => field)).toEqual([
      "policy.bindings[0].role",
      "policy.bindings[0].members[0]",
      "policy.bindings[0].members[1]",
    ]);
  });
});
