/** Buckets, one row per rule: what a client does, what the real service answers, and the page of its documentation. */
import { expect } from "@jest/globals";
import type { JsonObject } from "../../service";
import { Conformance, type Row } from "./conformance-testing";

const s = new Conformance();

const rows: Row[] = [
  [
    "Buckets",
    "gives a new bucket the service's defaults",
    async () => {
      const { json } = await s.insertBucket({ name: "defaults", location: "us-central1", labels: { a: "b" } });
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
      expect((await s.insertBucket({ name: "nowhere" })).json).toMatchObject({
        location: "US",
        locationType: "multi-region",
      });
    },
  ],
  [
    "Bucket locations",
    "refuses a location that does not exist",
    async () => {
      expect(await s.insertBucket({ name: "mars", location: "mars-north1" })).toMatchObject({
        status: 400,
        reason: "invalid",
      });
    },
  ],
  [
    "Buckets: insert",
    "asks for the project",
    async () => {
      expect(await s.insertBucket({ name: "no-project" }, "")).toMatchObject({ status: 400 });
    },
  ],
  [
    "Buckets: insert",
    "answers 409 to a name that is taken",
    async () => {
      expect(await s.insertBucket({ name: "defaults" })).toMatchObject({ status: 409, reason: "conflict" });
    },
  ],
  ...["ab", "-abc", "abc-", "Abc", "a_b.c d", "a".repeat(64), "192.168.5.4", "goog-x", "my-google-data", "a..b"].map(
    (name): (typeof rows)[number] => [
      "Bucket names",
      `refuses the name ${name.slice(0, 20)}`,
      async () => {
        expect(await s.insertBucket({ name })).toMatchObject({ status: 400, reason: "invalid" });
      },
    ],
  ),
  [
    "Bucket names",
    "refuses a domain that is not proven",
    async () => {
      expect(await s.insertBucket({ name: "data.example.com" })).toMatchObject({ status: 403, reason: "forbidden" });
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
    "AnywhereCaches: list",
    "answers an empty list with and without a trailing slash",
    async () => {
      await s.bucket("caches");
      for (const path of ["anywhereCaches", "anywhereCaches/"])
        expect((await s.send("GET", `/storage/v1/b/caches/${path}`)).json).toEqual({ kind: "storage#anywhereCaches" });
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
      for (const field of features) expect((await s.insertBucket({ name: "fancy", ...field })).status).toBe(501);
    },
  ],
];

s.check("a bucket", rows);
