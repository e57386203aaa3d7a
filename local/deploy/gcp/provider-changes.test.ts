/** How changes of inputs are answered: in place, by replacement, or not at all; and which inputs are refused. */
import { describe, expect, test } from "@jest/globals";
import { equal, secret, UNKNOWN, type Properties } from "../values";
import { google, LABELS, URN } from "./testing";

describe("changes", () => {
  const { provider } = google({});
  const diff = (type: string, before: Properties, after: Properties) => {
    const [olds, news] = [before, after].map((inputs) => provider.check(type, URN, inputs, undefined).inputs);
    const { changes, deleteBeforeReplace } = provider.diff(type, { id: "x", inputs: olds!, outputs: {} }, news!);
    return changes.map(
      ({ path, replaces }) =>
        `${path}${replaces ? (deleteBeforeReplace ? " replaces, deleted first" : " replaces") : ""}`,
    );
  };
  const bucket = { name: "b", location: "us-central1" };
  const object = { bucket: "b", name: "o", content: "a" };
  const table = (fields: Properties[]) => ({ datasetId: "d", tableId: "t", schema: JSON.stringify(fields) });
  const id: Properties = { name: "id", type: "STRING", mode: "REQUIRED" };

  test.each<[string, string, Properties, Properties, string[]]>([
    [
      "a label",
      "gcp:storage/bucket:Bucket",
      { ...bucket, labels: { a: "1" } },
      { ...bucket, labels: { a: "2" } },
      ["labels.a"],
    ],
    [
      "a bucket's location in another case",
      "gcp:storage/bucket:Bucket",
      bucket,
      { ...bucket, location: "US-CENTRAL1" },
      [],
    ],
    [
      "a bucket's location",
      "gcp:storage/bucket:Bucket",
      bucket,
      { ...bucket, location: "EU" },
      ["location replaces, deleted first"],
    ],
    ["a bucket's name", "gcp:storage/bucket:Bucket", bucket, { ...bucket, name: "c" }, ["name replaces"]],
    [
      "versioning left to the service",
      "gcp:storage/bucket:Bucket",
      { ...bucket, versioning: { enabled: true } },
      bucket,
      [],
    ],
    ["an unknown name", "gcp:storage/bucket:Bucket", bucket, { ...bucket, name: UNKNOWN }, ["name replaces"]],
    ["an object's text", "gcp:storage/bucketObject:BucketObject", object, { ...object, content: "b" }, ["content"]],
    [
      "an object's metadata",
      "gcp:storage/bucketObject:BucketObject",
      object,
      { ...object, metadata: { a: "1" } },
      ["metadata replaces, deleted first"],
    ],
    [
      "a role of a member",
      "gcp:projects/iAMMember:IAMMember",
      { project: "p", role: "r", member: "m" },
      { project: "p", role: "s", member: "m" },
      ["role replaces, deleted first"],
    ],
    [
      "a role's order of permissions",
      "gcp:projects/iAMCustomRole:IAMCustomRole",
      { roleId: "r", title: "t", permissions: ["a", "b"] },
      { roleId: "r", title: "t", permissions: ["b", "a"] },
      [],
    ],
    ["a column described", "gcp:bigquery/table:Table", table([id]), table([{ ...id, description: "x" }]), ["schema"]],
    [
      "a column in another dialect",
      "gcp:bigquery/table:Table",
      table([{ name: "v", type: "FLOAT64" }]),
      table([{ name: "v", type: "FLOAT", mode: "NULLABLE" }]),
      [],
    ],
    [
      "a column added",
      "gcp:bigquery/table:Table",
      table([id]),
      table([id, { name: "v", type: "FLOAT64" }]),
      ["schema"],
    ],
    [
      "a required column added",
      "gcp:bigquery/table:Table",
      table([id]),
      table([id, { ...id, name: "v" }]),
      ["schema replaces, deleted first"],
    ],
    [
      "a column's type",
      "gcp:bigquery/table:Table",
      table([id]),
      table([{ ...id, type: "INT64" }]),
      ["schema replaces, deleted first"],
    ],
    ["a column relaxed", "gcp:bigquery/table:Table", table([id]), table([{ ...id, mode: "NULLABLE" }]), ["schema"]],
    [
      "a column renamed",
      "gcp:bigquery/table:Table",
      table([id]),
      table([{ name: "other", type: "STRING" }]),
      ["schema replaces, deleted first"],
    ],
  ])("%s", (_, type, before, after, expected) => expect(diff(type, before, after)).toEqual(expected));

  test("a label that goes is named in the patch, and only what changed is sent", async () => {
    const { provider, bodies } = google({ PATCH: {} });
    const type = "gcp:storage/bucket:Bucket";
    const inputs = provider.check(type, URN, { ...bucket, labels: { a: "1", b: "1" } }, undefined).inputs;
    const news = provider.check(type, URN, { ...bucket, labels: { a: "2" } }, inputs).inputs;
    await provider.update(type, { id: "b", inputs, outputs: {} }, news, {});
    expect(bodies).toEqual([{ labels: { a: "2", b: null, ...LABELS } }]);
  });

  test("what only the provider acts on calls nothing", async () => {
    const { provider, asked } = google({});
    const old = { id: "b", inputs: { ...bucket, forceDestroy: false }, outputs: { forceDestroy: false } };
    const { outputs } = await provider.update("gcp:storage/bucket:Bucket", old, { ...bucket, forceDestroy: true }, {});
    expect([asked, outputs.forceDestroy]).toEqual([[], true]);
  });
});

describe("inputs", () => {
  const { provider } = google({});
  test("names what cannot be deployed and what is missing, all at once", () => {
    const { failures } = provider.check(
      "gcp:storage/bucket:Bucket",
      URN,
      { name: "b", encryption: {}, versioning: {} },
      undefined,
    );
    expect(failures.map(({ property }) => property).sort()).toEqual(["encryption", "location", "versioning.enabled"]);
  });

  test("a name that is not given is drawn once and kept", () => {
    const first = provider.check("gcp:storage/bucket:Bucket", URN, { location: "EU" }, undefined).inputs;
    expect(first.name).toMatch(/^thing-[0-9a-f]{7}$/);
    expect(first.__defaults).toEqual(["name", "storageClass"]);
    expect(provider.check("gcp:storage/bucket:Bucket", URN, { location: "EU" }, first).inputs.name).toBe(first.name);
    expect(
      provider.diff("gcp:storage/bucket:Bucket", { id: "x", inputs: first, outputs: {} }, { ...first, location: "US" })
        .deleteBeforeReplace,
    ).toBe(false);
  });

  test("a table is deleted only when its protection is off", async () => {
    const inputs = provider.check("gcp:bigquery/table:Table", URN, { datasetId: "d", tableId: "t" }, undefined).inputs;
    await expect(provider.delete("gcp:bigquery/table:Table", { id: "t", inputs, outputs: {} }, {})).rejects.toThrow(
      "deletionProtection is true",
    );
  });

  test("the text of an object is secret by nature", () => {
    expect(provider.secrets("gcp:storage/bucketObject:BucketObject")).toContain("content");
    expect(equal(secret("a"), secret("a"))).toBe(true);
  });
});
