/** Who may do what with a bucket and what it keeps, one row per rule: what the real service answers, the page of its documentation. */
import { expect } from "@jest/globals";
import { Conformance, DAY, type Row } from "./conformance-testing";

const s = new Conformance();

const rows: Row[] = [
  [
    "Uniform bucket-level access",
    "tells when uniform access can no longer be turned off",
    async () => {
      const { json } = await s.insertBucket({
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
      const answer = await s.insertBucket(
        { name: "acl", iamConfiguration: uniform },
        "project=sparklab-local&predefinedAcl=publicRead",
      );
      expect(answer).toMatchObject({ status: 400, reason: "invalid" });
    },
  ],
  [
    "Soft delete",
    "refuses a retention below 7 days, and names all problems at once",
    async () => {
      const { status, json } = await s.insertBucket({
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
      s.pass(2 * 3600 * 1000);
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
];

s.check("the policies of a bucket", rows);
