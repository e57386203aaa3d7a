/** The generic engine on one real resource type: Dataproc's session templates, which need nothing else. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { JsonObject, Service } from "./service";
import { testCloud, type TestCloud } from "./testing";

const dataproc: Service = {
  apis: ["dataproc.v1"],
  types: [
    {
      collection: "dataproc.projects.locations.sessionTemplates",
      schema: "SessionTemplate",
      listField: "sessionTemplates",
      name: "projects/{project}/locations/{location}/sessionTemplates/{id}",
      id: { bodyName: true },
      idPattern: /^[a-z][a-z0-9-]{2,61}[a-z0-9]$/,
      required: ["name"],
      immutable: ["name"],
      defaults: { "jupyterSession.kernel": "PYTHON" },
      serverSet: { creator: ({ call }) => call.principal.email },
      source: "https://cloud.google.com/dataproc-serverless/docs/reference/rest/v1/projects.locations.sessionTemplates",
    },
  ],
  methods: {},
};

const COLLECTION = "https://dataproc.googleapis.com/v1/projects/sparklab-local/locations/us-central1/sessionTemplates";
const nameOf = (id: string) => `projects/sparklab-local/locations/us-central1/sessionTemplates/${id}`;
const template = (id: string, more: JsonObject = {}): JsonObject => ({ name: nameOf(id), ...more });

let lab: TestCloud;
beforeEach(async () => {
  lab = await testCloud({ services: [dataproc] });
});
afterEach(() => lab.close());

describe("create", () => {
  test("echoes the body and adds the output fields, defaults and the name", async () => {
    const labels = { "goog-terraform-provisioned": "true" };
    const made = await lab.rest(
      `POST ${COLLECTION}`,
      template("spark-lab", { labels, runtimeConfig: { version: "2.3" } }),
    );
    expect(made).toEqual({
      name: nameOf("spark-lab"),
      labels,
      runtimeConfig: { version: "2.3" },
      jupyterSession: { kernel: "PYTHON" },
      creator: "operator@sparklab.local",
      createTime: expect.any(String),
      updateTime: expect.any(String),
    });
    expect(await lab.rest(`GET ${COLLECTION}/spark-lab`)).toEqual(made);
  });
  test("accepts snake_case names and drops explicit nulls", async () => {
    const made = await lab.rest(
      `POST ${COLLECTION}`,
      template("snake", { runtime_config: { version: "2.3" }, sparkConnectSession: null }),
    );
    expect(made).toMatchObject({ runtimeConfig: { version: "2.3" } });
    expect(made).not.toHaveProperty("sparkConnectSession");
  });
  test("ignores output-only fields that a client sends back", async () => {
    const made = await lab.rest(
      `POST ${COLLECTION}`,
      template("echo", { createTime: "2001-01-01T00:00:00Z", uuid: "x" }),
    );
    expect((made as JsonObject).createTime).not.toBe("2001-01-01T00:00:00Z");
  });
  test("refuses a used id with 409", async () => {
    await lab.rest(`POST ${COLLECTION}`, template("twice"));
    const { status, http } = await lab.refusal(`POST ${COLLECTION}`, template("twice"));
    expect([status, http]).toEqual(["ALREADY_EXISTS", 409]);
  });
  test("resolves the project's number to its id", async () => {
    const made = await lab.rest(`POST ${COLLECTION.replace("sparklab-local", "100000000001")}`, template("number"));
    expect(made).toMatchObject({ name: nameOf("number") });
  });
  test("refuses another project as Google does", async () => {
    const { status, message } = await lab.refusal(`GET ${COLLECTION.replace("sparklab-local", "other")}/x`);
    expect([status, message]).toEqual(["PERMISSION_DENIED", "Permission denied on resource project other."]);
  });
});
