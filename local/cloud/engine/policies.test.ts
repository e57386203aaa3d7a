/** IAM policies: who is meant by a member, what a binding reaches, etags. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Policies, Store } from "../cloud";
import { PROJECT } from "../compose";
import { createPolicies } from "./policies";
import { OPERATOR } from "../door/principals";
import type { Principal } from "../service";
import { openStore } from "./store";

const P = "projects/sparklab-local";
const BUCKET = "//storage.googleapis.com/projects/_/buckets/data";
const account: Principal = {
  kind: "serviceAccount",
  email: "worker@elsewhere.iam.gserviceaccount.com",
  via: "accessToken",
};
const stranger: Principal = { kind: "anonymous", email: "", via: "none" };
const grant = (role: string, ...members: string[]) => ({ bindings: [{ role, members }] });

let folder: string;
let store: Store;
let policies: Policies;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sparklab-policies-"));
  store = await openStore(folder);
  policies = createPolicies({ store, project: PROJECT, operator: OPERATOR.email });
});
const may = async (principal: Principal, permission: string, resource: string) =>
  (await policies.permitted(principal, [permission], resource)).length > 0;
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

test("a binding reaches the resource and what is below it, nothing beside it", async () => {
  await policies.set(BUCKET, grant("roles/storage.objectViewer", `serviceAccount:${account.email}`));
  const reads = (resource: string) => may(account, "storage.objects.get", resource);
  expect(await reads(BUCKET)).toBe(true);
  expect(await reads(`${BUCKET}/objects/x`)).toBe(true);
  expect(await reads("projects/_/buckets/data")).toBe(true);
  expect(await reads("b/data")).toBe(true);
  expect(await reads(`${BUCKET}2`)).toBe(false);
  expect(await reads(P)).toBe(false);
});

test("a binding on the project reaches everything in it", async () => {
  await policies.set(P, grant("roles/bigquery.jobUser", `serviceAccount:${account.email}`));
  expect(await may(account, "bigquery.jobs.create", `${P}/datasets/d/tables/t`)).toBe(true);
  expect(await may(account, "bigquery.jobs.create", `//run.googleapis.com/${P}/locations/l/services/s`)).toBe(true);
});

test.each([
  ["allUsers", true, true],
  ["allAuthenticatedUsers", true, false],
  ["user:worker@elsewhere.iam.gserviceaccount.com", false, false],
  ["projectOwner:sparklab-local", false, false],
])("%s means the account: %s, a stranger: %s", async (member, forAccount, forStranger) => {
  await policies.set(BUCKET, grant("roles/storage.objectViewer", member));
  expect(await may(account, "storage.objects.get", BUCKET)).toBe(forAccount);
  expect(await may(stranger, "storage.objects.get", BUCKET)).toBe(forStranger);
});

test("projectOwner means who owns the project", async () => {
  // What the role of an owner has not.
  const permission = "iam.serviceAccounts.getAccessToken";
  expect(await may(OPERATOR, permission, BUCKET)).toBe(false);
  await policies.set(BUCKET, grant("roles/iam.serviceAccountTokenCreator", "projectOwner:sparklab-local"));
  expect(await may(OPERATOR, permission, BUCKET)).toBe(true);
  expect(await may(account, permission, BUCKET)).toBe(false);
});

test("an etag never comes back, even when the policy does", async () => {
  const first = await policies.set(BUCKET, grant("roles/storage.objectViewer", "allUsers"));
  await policies.set(BUCKET, {});
  const third = await policies.set(BUCKET, grant("roles/storage.objectViewer", "allUsers"));
  expect(third.bindings).toEqual(first.bindings);
  expect(third.etag).not.toBe(first.etag);
});

test("of two writers with the same etag one wins", async () => {
  const { etag } = await policies.get(BUCKET);
  const write = (member: string) =>
    policies.set(BUCKET, { ...grant("roles/storage.objectViewer", member), etag: etag! });
  const both = await Promise.allSettled([write("allUsers"), write("allAuthenticatedUsers")]);
  expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
});

test("equal roles are merged, repeated members and empty bindings dropped", async () => {
  const roles = ["roles/storage.objectViewer", "roles/storage.objectViewer", "roles/storage.admin"];
  const members = [["allUsers", "allUsers"], ["user:a@b.c"], []];
  const set = await policies.set(BUCKET, {
    bindings: roles.map((role, index) => ({ role, members: members[index]! })),
    version: 3,
  });
  expect(set.bindings).toEqual([{ role: "roles/storage.objectViewer", members: ["allUsers", "user:a@b.c"] }]);
});

test("a conditional binding is refused, because it is not evaluated", async () => {
  const binding = { role: "roles/viewer", members: ["allUsers"], condition: { expression: "true" } };
  await expect(policies.set(BUCKET, { bindings: [binding] })).rejects.toMatchObject({ status: "UNIMPLEMENTED" });
});

test.each([
  "user:",
  "user:nobody",
  "serviceAccount:x",
  "domain:local host",
  "robot:a@b.c",
  "",
  "allusers",
  "deleted:user:a@b.c",
])("refuses the member '%s'", async (member) => {
  await expect(policies.set(BUCKET, grant("roles/viewer", member))).rejects.toMatchObject({
    status: "INVALID_ARGUMENT",
  });
});

test.each([
  "user:a@b.c",
  "group:a@b.c",
  "domain:example.com",
  "projectViewer:p-1",
  "deleted:serviceAccount:a@b.c?uid=1",
  "serviceAccount:service-1@gcp-sa-x.iam.gserviceaccount.com",
])("accepts the member '%s'", async (member) => {
  expect(await policies.set(BUCKET, grant("roles/viewer", member))).toMatchObject(grant("roles/viewer", member));
});

test("basic roles do not let anyone be a service account", async () => {
  const asked = ["iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.actAs", "storage.buckets.get"];
  expect(await policies.permitted(OPERATOR, asked, `${P}/serviceAccounts/a@b.c`)).toEqual(asked.slice(1));
});
