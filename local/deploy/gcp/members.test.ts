/** Members of IAM policies: what is read, what is written back, and what happens when others write too. */
import { describe, expect, test } from "@jest/globals";
import type { Properties } from "../values";
import { GoogleError } from "./http";
import { gcpPackage } from "./provider";
import { google, make } from "./testing";

describe("members", () => {
  const role = { role: "roles/viewer", member: "serviceAccount:a@b" };
  test.each([
    [
      "gcp:projects/iAMMember:IAMMember",
      { project: "lab-p", ...role },
      "POST cloudresourcemanager.googleapis.com/v1/projects/lab-p:setIamPolicy",
      (policy: Properties) => ({ policy, updateMask: "bindings,etag,auditConfigs" }),
      "lab-p/roles/viewer/serviceAccount:a@b",
    ],
    [
      "gcp:serviceaccount/iAMMember:IAMMember",
      { serviceAccountId: "projects/lab-p/serviceAccounts/x@y", ...role },
      "POST iam.googleapis.com/v1/projects/lab-p/serviceAccounts/x@y:setIamPolicy",
      (policy: Properties) => ({ policy }),
      "projects/lab-p/serviceAccounts/x@y/roles/viewer/serviceAccount:a@b",
    ],
    [
      "gcp:storage/bucketIAMMember:BucketIAMMember",
      { bucket: "data", ...role },
      "PUT storage.googleapis.com/storage/v1/b/data/iam",
      (policy: Properties) => policy,
      "b/data/roles/viewer/serviceAccount:a@b",
    ],
  ])("%s reads the policy and writes it back with its etag", async (type, inputs, request, body, id) => {
    const policy = { version: 1, etag: "ACAB", bindings: [{ role: "roles/viewer", members: ["user:me"] }] };
    const made = await make(type, inputs, { GET: policy, POST: policy, PUT: policy });
    expect(made.asked.at(-1)).toBe(request);
    const members = ["user:me", "serviceAccount:a@b"];
    expect(made.bodies.at(-1)).toEqual(
      body({ version: 3, etag: "ACAB", bindings: [{ role: "roles/viewer", members }] }),
    );
    expect(made.id).toBe(id);
  });

  test("the last member to go leaves no bindings", async () => {
    const { provider, bodies } = google({
      GET: { etag: "E", bindings: [{ role: "roles/viewer", members: ["serviceAccount:A@b"] }] },
      PUT: {},
    });
    await provider.delete(
      "gcp:storage/bucketIAMMember:BucketIAMMember",
      { id: "x", inputs: { bucket: "data", ...role }, outputs: {} },
      {},
    );
    expect(bodies).toEqual([{ etag: "E", version: 3 }]);
  });

  test("a data set's members travel in its access list, basic roles by their new names, views untouched", async () => {
    const view = { view: { tableId: "v" } };
    const access: Properties[] = [
      { role: "WRITER", specialGroup: "projectWriters" },
      view,
      { role: "OWNER", userByEmail: "me@example.com" },
    ];
    const inputs = {
      datasetId: "lab",
      role: "roles/bigquery.dataEditor",
      member: "serviceAccount:a@b.iam.gserviceaccount.com",
    };
    const made = await make("gcp:bigquery/datasetIamMember:DatasetIamMember", inputs, {
      GET: { access, etag: "E" },
      PATCH: {},
    });
    expect(made.bodies).toEqual([
      {
        access: [
          { role: "roles/bigquery.dataEditor", specialGroup: "projectWriters" },
          { role: "roles/bigquery.dataEditor", userByEmail: "a@b.iam.gserviceaccount.com" },
          { role: "roles/bigquery.dataOwner", userByEmail: "me@example.com" },
          view,
        ],
      },
    ]);
    expect(made.id).toBe(
      "projects/lab-p/datasets/lab/roles/bigquery.dataEditor/serviceAccount:a@b.iam.gserviceaccount.com",
    );
  });

  test("who is too slow reads again", async () => {
    const asked: string[] = [];
    let writes = 0;
    const slow = gcpPackage({}, () => ({
      call: async ({ method }) => {
        asked.push(method);
        if (method === "PUT" && ++writes === 1) throw new GoogleError(409, "stale");
        return { etag: String(writes) };
      },
      find: async () => undefined,
      remove: async () => undefined,
      wait: async () => ({}),
    })).configure({ project: "lab-p" }, "/tmp");
    await slow.create("gcp:storage/bucketIAMMember:BucketIAMMember", { bucket: "data", ...role }, {});
    expect(asked).toEqual(["GET", "PUT", "GET", "PUT"]);
  });
});
