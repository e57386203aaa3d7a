/** Buckets, one row per rule: what a client does, what the real service answers, and the page of its documentation. */
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { JsonObject } from "../../service";
import { type TestStorage, testStorage } from "./testing";

let s: TestStorage;
let clock = Date.parse("2026-01-01T00:00:00Z");
beforeAll(async () => {
  s = await testStorage({ now: () => new Date((clock += 1)) });
});
afterAll(() => s.close());

const insert = (body: JsonObject, query = "project=sparklab-local") =>
  s.send("POST", `/storage/v1/b?${query}`, { body });
const DAY = 86400 * 1000;

const rows: [page: string, does: string, run: () => Promise<void>][] = [
  [
    "Buckets",
    "gives a new bucket the service's defaults",
    async () => {
      const { json } = await insert({ name: "defaults", location: "us-central1", labels: { a: "b" } });
      expect(json).toMatchObject({
        kind: "storage#bucket",
        id: "defaults",
        name: "defaults",
        location: "US-CENTRAL1",
        locationType: "region",
        storageClass: "STANDARD",
        projectNumber: "100000000001",
        metageneration: "1",
        etag: "CAE=",
        labels: { a: "b" },
        softDeletePolicy: { retentionDurationSeconds: "604800", effectiveTime: expect.any(String) },
        iamConfiguration: {
          uniformBucketLevelAccess: { enabled: false },
          bucketPolicyOnly: { enabled: false },
          publicAccessPrevention: "inherited",
        },
        selfLink: "https://www.googleapis.com/storage/v1/b/defaults",
      });
      expect(json.timeCreated).toBe(json.updated);
      expect((await s.send("GET", "/storage/v1/b/defaults")).json).toEqual(json);
    },
  ],
  [
    "Bucket locations",
    "puts a bucket without a location into the US multi-region",
    async () => {
      expect((await insert({ name: "nowhere" })).json).toMatchObject({ location: "US", locationType: "multi-region" });
    },
  ],
  [
    "Bucket locations",
    "refuses a location that does not exist",
    async () => {
      expect(await insert({ name: "mars", location: "mars-north1" })).toMatchObject({ status: 400, reason: "invalid" });
    },
  ],
  [
    "Uniform bucket-level access",
    "tells when uniform access can no longer be turned off",
    async () => {
      const { json } = await insert({
        name: "uniform",
        iamConfiguration: { uniformBucketLevelAccess: { enabled: true } },
      });
      const { uniformBucketLevelAccess: access } = json.iamConfiguration as {
        uniformBucketLevelAccess: { lockedTime: string };
      };
      expect(Date.parse(access.lockedTime) - Date.parse(json.timeCreated)).toBe(90 * DAY);
    },
  ],
  [
    "Uniform bucket-level access",
    "refuses predefined access lists under uniform access",
    async () => {
      const uniform = { uniformBucketLevelAccess: { enabled: true } };
      const answer = await insert(
        { name: "acl", iamConfiguration: uniform },
        "project=sparklab-local&predefinedAcl=publicRead",
      );
      expect(answer).toMatchObject({ status: 400, reason: "invalid" });
    },
  ],
  [
    "Buckets: insert",
    "asks for the project",
    async () => {
      expect(await insert({ name: "no-project" }, "")).toMatchObject({ status: 400 });
    },
  ],
  [
    "Buckets: insert",
    "answers 409 to a name that is taken",
    async () => {
      expect(await insert({ name: "defaults" })).toMatchObject({ status: 409, reason: "conflict" });
    },
  ],
  ...["ab", "-abc", "abc-", "Abc", "a_b.c d", "a".repeat(64), "192.168.5.4", "goog-x", "my-google-data", "a..b"].map(
    (name): (typeof rows)[number] => [
      "Bucket names",
      `refuses the name ${name.slice(0, 20)}`,
      async () => {
        expect(await insert({ name })).toMatchObject({ status: 400, reason: "invalid" });
      },
    ],
  ),
  [
    "Bucket names",
    "refuses a domain that is not proven",
    async () => {
      expect(await insert({ name: "data.example.com" })).toMatchObject({ status: 403, reason: "forbidden" });
    },
  ],
  [
    "Soft delete",
    "refuses a retention below 7 days, and names all problems at once",
    async () => {
      const { status, json } = await insert({
        name: "wrong",
        storageClass: "HOT",
        softDeletePolicy: { retentionDurationSeconds: "3600" },
      });
      expect(status).toBe(400);
      const { message } = json.error as { message: string };
      expect(message).toMatch(/storage class "HOT".*softDeletePolicy.retentionDurationSeconds: got 3600/);
    },
  ],
  [
    "Buckets: patch",
    "merges a patch, removes what is null, counts the metageneration",
    async () => {
      await s.bucket("patched", {
        labels: { keep: "1", drop: "2" },
        lifecycle: { rule: [{ action: { type: "Delete" }, condition: { age: 30 } }] },
      });
      const { json } = await s.send("PATCH", "/storage/v1/b/patched", {
        body: { labels: { drop: null, add: "3" }, versioning: { enabled: true } },
      });
      expect(json).toMatchObject({
        labels: { keep: "1", add: "3" },
        versioning: { enabled: true },
        metageneration: "2",
        etag: "CAI=",
      });
      expect(json.labels).toEqual({ keep: "1", add: "3" });
      expect(json.lifecycle).toEqual({ rule: [{ action: { type: "Delete" }, condition: { age: 30 } }] });
      expect(json.updated).not.toBe(json.timeCreated);
    },
  ],
  [
    "Buckets: update",
    "replaces all that may be written",
    async () => {
      const { json } = await s.send("PUT", "/storage/v1/b/patched", {
        body: { name: "patched", labels: { only: "1" } },
      });
      expect(json).toMatchObject({
        labels: { only: "1" },
        location: "US-CENTRAL1",
        softDeletePolicy: { retentionDurationSeconds: "604800" },
      });
      expect(json).not.toHaveProperty("lifecycle");
    },
  ],
  [
    "Buckets",
    "refuses to move a bucket",
    async () => {
      expect(await s.send("PATCH", "/storage/v1/b/patched", { body: { location: "EU" } })).toMatchObject({
        status: 400,
      });
    },
  ],
  [
    "Request preconditions",
    "answers 412 to a stale metageneration on a write, 304 on a read",
    async () => {
      const stale = await s.send("PATCH", "/storage/v1/b/patched?ifMetagenerationMatch=1", { body: { labels: {} } });
      expect(stale).toMatchObject({ status: 412, reason: "conditionNotMet" });
      expect((await s.send("GET", "/storage/v1/b/patched?ifMetagenerationNotMatch=3")).status).toBe(304);
    },
  ],
  [
    "Buckets: list",
    "lists by prefix, in pages",
    async () => {
      for (const n of [1, 2, 3]) await s.bucket(`page-${n}`);
      const first = await s.send("GET", "/storage/v1/b?project=sparklab-local&prefix=page-&maxResults=2");
      expect(first.json.items!.map((b) => b.name)).toEqual(["page-1", "page-2"]);
      const next = await s.send(
        "GET",
        `/storage/v1/b?project=sparklab-local&prefix=page-&pageToken=${String(first.json.nextPageToken)}`,
      );
      expect(next.json.items!.map((b) => b.name)).toEqual(["page-3"]);
      expect(next.json).not.toHaveProperty("nextPageToken");
    },
  ],
  [
    "Delete buckets",
    "keeps a bucket with objects, noncurrent ones too; soft-deleted ones do not count",
    async () => {
      await s.bucket("full", {
        versioning: { enabled: true },
        softDeletePolicy: { retentionDurationSeconds: "604800" },
      });
      const { generation } = await s.put("full", "a");
      expect(await s.send("DELETE", "/storage/v1/b/full")).toMatchObject({ status: 409, reason: "conflict" });
      await s.send("DELETE", "/storage/v1/b/full/o/a");
      expect((await s.send("DELETE", "/storage/v1/b/full")).status).toBe(409);
      await s.send("DELETE", `/storage/v1/b/full/o/a?generation=${generation}`);
      expect(await s.send("DELETE", "/storage/v1/b/full")).toMatchObject({ status: 204, body: Buffer.alloc(0) });
      expect(await s.send("GET", "/storage/v1/b/full")).toMatchObject({ status: 404, reason: "notFound" });
    },
  ],
  [
    "Use soft-deleted buckets",
    "restores a soft-deleted bucket; a bucket made anew has none of the old objects",
    async () => {
      const [deleted] = (await s.send("GET", "/storage/v1/b?project=sparklab-local&softDeleted=true&prefix=full")).json
        .items!;
      await s.bucket("full");
      expect((await s.send("GET", "/storage/v1/b/full/o?softDeleted=true")).json).not.toHaveProperty("items");
      const restore = `/storage/v1/b/full/restore?generation=${deleted!.generation}`;
      expect((await s.send("POST", restore)).status).toBe(409);
      await s.send("DELETE", "/storage/v1/b/full");
      expect((await s.send("POST", restore)).json).toMatchObject({ name: "full", generation: deleted!.generation });
      expect((await s.send("GET", "/storage/v1/b/full/o?softDeleted=true")).json.items).toHaveLength(1);
    },
  ],
  [
    "Bucket Lock",
    "keeps objects for the retention period; a locked policy cannot be shortened",
    async () => {
      await s.bucket("retained", { retentionPolicy: { retentionPeriod: "3600" } });
      await s.put("retained", "a");
      expect(await s.send("DELETE", "/storage/v1/b/retained/o/a")).toMatchObject({
        status: 403,
        reason: "retentionPolicyNotMet",
      });
      const locked = await s.send("POST", "/storage/v1/b/retained/lockRetentionPolicy?ifMetagenerationMatch=1");
      expect(locked.json).toMatchObject({
        retentionPolicy: { retentionPeriod: "3600", isLocked: true },
        metageneration: "2",
      });
      expect((await s.send("PATCH", "/storage/v1/b/retained", { body: { retentionPolicy: null } })).status).toBe(403);
      clock += 2 * 3600 * 1000;
      expect((await s.send("DELETE", "/storage/v1/b/retained/o/a")).status).toBe(204);
    },
  ],
  [
    "IAM roles for Cloud Storage",
    "gives a bucket the basic roles of its project, and takes a policy under its etag",
    async () => {
      await s.bucket("policy", { iamConfiguration: { uniformBucketLevelAccess: { enabled: true } } });
      const { json } = await s.send("GET", "/storage/v1/b/policy/iam?optionsRequestedPolicyVersion=3");
      expect(json).toMatchObject({
        kind: "storage#policy",
        resourceId: "projects/_/buckets/policy",
        etag: expect.any(String),
      });
      const roles = (json.bindings as { role: string }[]).map(({ role }) => role);
      expect(roles).toContain("roles/storage.legacyBucketOwner");
      const bindings = [{ role: "roles/storage.objectViewer", members: ["allAuthenticatedUsers"] }];
      const set = await s.send("PUT", "/storage/v1/b/policy/iam", { body: { ...json, bindings } });
      expect(set).toMatchObject({ status: 200, json: { bindings } });
      expect((await s.send("PUT", "/storage/v1/b/policy/iam", { body: { ...json, bindings } })).status).toBe(409);
      const emptied = await s.send("PUT", "/storage/v1/b/policy/iam", { body: { etag: set.json.etag } });
      expect(emptied.json).not.toHaveProperty("bindings");
    },
  ],
  [
    "Buckets: testIamPermissions",
    "answers the permissions that the caller has",
    async () => {
      const { json } = await s.send(
        "GET",
        "/storage/v1/b/policy/iam/testPermissions?permissions=storage.objects.get&permissions=storage.buckets.get",
      );
      expect(json).toEqual({
        kind: "storage#testIamPermissionsResponse",
        permissions: ["storage.objects.get", "storage.buckets.get"],
      });
    },
  ],
  [
    "AnywhereCaches: list",
    "answers an empty list with and without a trailing slash",
    async () => {
      for (const path of ["anywhereCaches", "anywhereCaches/"])
        expect((await s.send("GET", `/storage/v1/b/policy/${path}`)).json).toEqual({ kind: "storage#anywhereCaches" });
    },
  ],
  [
    "Buckets",
    "refuses features without effect here instead of storing them",
    async () => {
      const features: JsonObject[] = [
        { autoclass: { enabled: true } },
        { billing: { requesterPays: true } },
        { hierarchicalNamespace: { enabled: true } },
      ];
      for (const field of features) expect((await insert({ name: "fancy", ...field })).status).toBe(501);
    },
  ],
];

describe("a bucket", () => {
  it.each(rows)("[%s] %s", (_page, _does, run) => run());
});
