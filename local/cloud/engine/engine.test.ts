/** The generic engine on one real resource type: Dataproc's session templates, which need nothing else. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { textOf } from "../json";
import type { JsonObject, Service } from "../service";
import { testCloud, type TestCloud } from "../testing";

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

describe("read and list", () => {
  const made = ["a-first", "b-second", "c-third", "d-fourth", "e-fifth"];
  beforeEach(async () => {
    for (const [index, id] of made.entries()) {
      const labels = { tier: index % 2 === 0 ? "even" : "odd" };
      await lab.rest(
        `POST ${COLLECTION}`,
        template(id, { labels, runtimeConfig: { version: index < 3 ? "2.2" : "2.3" } }),
      );
    }
  });
  const ids = async (query: string) => {
    const { sessionTemplates = [] } = (await lab.rest(`GET ${COLLECTION}?${query}`)) as {
      sessionTemplates?: JsonObject[];
    };
    return sessionTemplates.map(({ name }) => textOf(name).split("/").at(-1));
  };

  test("answers 404 for what is not there", async () => {
    expect((await lab.refusal(`GET ${COLLECTION}/nowhere`)).http).toBe(404);
  });
  test("pages through all entries, each once", async () => {
    const seen: unknown[] = [];
    let token = "";
    do {
      const page = (await lab.rest(`GET ${COLLECTION}?pageSize=2&pageToken=${token}`)) as {
        sessionTemplates: JsonObject[];
        nextPageToken?: string;
      };
      expect(page.sessionTemplates.length).toBeLessThanOrEqual(2);
      seen.push(...page.sessionTemplates.map(({ name }) => textOf(name).split("/").at(-1)));
      token = page.nextPageToken ?? "";
    } while (token !== "");
    expect(seen).toEqual(made);
  });
  test("refuses a page token of another list", async () => {
    const { nextPageToken } = (await lab.rest(`GET ${COLLECTION}?pageSize=2`)) as { nextPageToken: string };
    const error = await lab.refusal(`GET ${COLLECTION}?pageSize=2&pageToken=${nextPageToken}&filter=creator%3D%22x%22`);
    expect(error.message).toBe("Invalid page_token: it does not belong to this list request.");
  });
  test.each([
    ['labels.tier = "odd"', ["b-second", "d-fourth"]],
    ['runtimeConfig.version = "2.3" AND labels.tier = even', ["e-fifth"]],
    ["runtime_config.version = 2.3 OR labels.tier = odd", ["b-second", "d-fourth", "e-fifth"]],
    ["NOT labels.tier = odd", ["a-first", "c-third", "e-fifth"]],
    ["-(labels.tier = odd) name:third", ["c-third"]],
    ["labels:tier AND runtimeConfig.version > 2.2", ["d-fourth", "e-fifth"]],
    ['create_time >= "2001-01-01T00:00:00Z" name = "*-f*"', ["a-first", "d-fourth", "e-fifth"]],
    ['createTime < "2001-01-01T00:00:00Z"', []],
    // A number against a text, and against nothing.
    ["runtimeConfig.version < later", ["a-first", "b-second", "c-third", "d-fourth", "e-fifth"]],
    ["ttl > 5 OR description = 5", []],
  ])("filters by %s", async (filter, expected) => {
    expect(await ids(`filter=${encodeURIComponent(filter)}`)).toEqual(expected);
  });
  test.each([
    ["regex(name)", "the function 'regex()'"],
    ["spark", "the bare word 'spark' (search over all fields)"],
    ["name = ", "an unfinished expression"],
    ["(name = x", "an unfinished expression"],
    ["name ~ x", "the bare word 'name' (search over all fields)"],
  ])("refuses the filter %s and names what it does not support", async (filter, what) => {
    const { status, message } = await lab.refusal(`GET ${COLLECTION}?filter=${encodeURIComponent(filter)}`);
    expect(status).toBe("INVALID_ARGUMENT");
    expect(message).toContain(what);
  });
  test("answers the parts that `fields` asks for and refuses unknown ones", async () => {
    expect(await lab.rest(`GET ${COLLECTION}?pageSize=1&fields=sessionTemplates(labels/tier,runtimeConfig)`)).toEqual({
      sessionTemplates: [{ labels: { tier: "even" }, runtimeConfig: { version: "2.2" } }],
    });
    const { details } = await lab.refusal(`GET ${COLLECTION}?fields=sessionTemplates/nosuch`);
    expect(details[0]).toMatchObject({ fieldViolations: [{ field: "sessionTemplates/nosuch" }] });
  });
  test.each(["__proto__/reached", "__proto__(reached)", "sessionTemplates/constructor"])(
    "takes %s in `fields` for a field that is not there, and for nothing else",
    async (fields) => {
      expect((await lab.refusal(`GET ${COLLECTION}?fields=${fields}`)).status).toBe("INVALID_ARGUMENT");
      expect({}).not.toHaveProperty("reached");
    },
  );
  test("a wildcard location lists all locations", async () => {
    const europe = COLLECTION.replace("us-central1", "europe-west1");
    await lab.rest(`POST ${europe}`, { name: nameOf("far-away").replace("us-central1", "europe-west1") });
    const { sessionTemplates } = (await lab.rest(`GET ${COLLECTION.replace("us-central1", "-")}`)) as {
      sessionTemplates: JsonObject[];
    };
    expect(sessionTemplates).toHaveLength(made.length + 1);
  });
});

describe("change", () => {
  beforeEach(() =>
    lab.rest(`POST ${COLLECTION}`, template("change-me", { description: "old", labels: { a: "1", b: "2" } })),
  );

  test("without a mask replaces the top-level fields that are sent", async () => {
    const changed = await lab.rest(`PATCH ${COLLECTION}/change-me`, template("change-me", { labels: { c: "3" } }));
    expect(changed).toMatchObject({ description: "old", labels: { c: "3" } });
    expect((changed as JsonObject).labels).toEqual({ c: "3" });
  });
  test("keeps output-only fields whatever is sent", async () => {
    const before = (await lab.rest(`GET ${COLLECTION}/change-me`)) as JsonObject;
    const after = (await lab.rest(
      `PATCH ${COLLECTION}/change-me`,
      template("change-me", { creator: "someone", createTime: "2001-01-01T00:00:00Z" }),
    )) as JsonObject;
    expect([after.creator, after.createTime]).toEqual([before.creator, before.createTime]);
  });
  test("delete removes the resource and a second delete is 404", async () => {
    expect(await lab.rest(`DELETE ${COLLECTION}/change-me`)).toEqual({});
    expect((await lab.refusal(`DELETE ${COLLECTION}/change-me`)).http).toBe(404);
  });
});

describe("what is not there", () => {
  test("a path that no description has is 404", async () => {
    const { http, message } = await lab.refusal("GET https://dataproc.googleapis.com/v1/nowhere");
    expect([http, message]).toEqual([404, "The requested URL /v1/nowhere was not found on this server."]);
  });
  test("a described method without behaviour is 501 and names itself", async () => {
    const { http, message } = await lab.refusal(
      `POST ${COLLECTION.replace("sessionTemplates", "batches")}/x:analyze`,
      {},
    );
    expect(http).toBe(501);
    expect(message).toContain("dataproc.projects.locations.batches.analyze");
  });
});

test("state is there after a restart", async () => {
  await lab.rest(`POST ${COLLECTION}`, template("survivor"));
  lab = await lab.restart();
  expect(await lab.rest(`GET ${COLLECTION}/survivor`)).toMatchObject({ name: nameOf("survivor") });
});
