/** From a gRPC request message to the REST request that its annotation means. */
import { describe, expect, it } from "@jest/globals";
import { ApiError } from "../errors";
import { httpRules, toRest, type HttpRule } from "./http-rule";
import type { JsonObject } from "../service";

const rule = (verb: string, template: string, body?: string): HttpRule => ({ verb, template, body });
const BATCHES = "/v1/{parent=projects/*/locations/*}/batches";

describe("httpRules", () => {
  it("reads the rule and its additional bindings, one or several", () => {
    const more = [{ post: "/v1/{name=a/*}", body: "*" }, { delete: "/v1/{name=b/*}" }];
    const options = (additional: unknown) => [
      { other: 1 },
      { "(google.api.http)": { get: "/v1/x", additional_bindings: additional } },
    ];
    expect(httpRules(options(more)).map(({ verb }) => verb)).toEqual(["GET", "POST", "DELETE"]);
    expect(httpRules(options(more[0])).map(({ verb, body }) => [verb, body])).toEqual([
      ["GET", undefined],
      ["POST", "*"],
    ]);
    expect(httpRules([{ other: 1 }])).toEqual([]);
  });
});

describe("toRest", () => {
  it.each([
    {
      name: "puts the body field into the body and the rest into the query",
      rules: [rule("POST", BATCHES, "batch")],
      message: { parent: "projects/p/locations/l", batchId: "b-1", batch: { labels: { a: "b" } } },
      expected: {
        verb: "POST",
        path: "/v1/projects/p/locations/l/batches",
        query: { batchId: "b-1" },
        body: { labels: { a: "b" } },
      },
    },
    {
      name: "binds a field path and keeps the resource whole",
      rules: [
        rule("PATCH", "/v1/{session_template.name=projects/*/locations/*/sessionTemplates/*}", "session_template"),
      ],
      message: {
        sessionTemplate: { name: "projects/p/locations/l/sessionTemplates/t", description: "d" },
        updateMask: "description",
      },
      expected: {
        ...{
          verb: "PATCH",
          path: "/v1/projects/p/locations/l/sessionTemplates/t",
          query: { updateMask: "description" },
        },
        body: { name: "projects/p/locations/l/sessionTemplates/t", description: "d" },
      },
    },
    {
      name: "takes all that is not in the path as the body of *",
      rules: [rule("POST", "/v1/{resource=**}:setIamPolicy", "*")],
      message: { resource: "projects/p/a/b", policy: { etag: "e" } },
      expected: { verb: "POST", path: "/v1/projects/p/a/b:setIamPolicy", query: {}, body: { policy: { etag: "e" } } },
    },
    {
      name: "writes nested and repeated query parameters",
      rules: [rule("GET", "/v1/{name=projects/*}")],
      message: {
        name: "projects/p",
        options: { requestedPolicyVersion: 3 },
        tags: ["a", "b"],
        pageSize: 2,
        empty: null,
      },
      expected: {
        verb: "GET",
        path: "/v1/projects/p",
        query: { "options.requestedPolicyVersion": "3", tags: ["a", "b"], pageSize: "2" },
      },
    },
    {
      name: "takes the first binding that fits",
      rules: [rule("GET", "/v1/{name=projects/*/regions/*/operations/*}"), rule("GET", "/v1/{name=operations/**}")],
      message: { name: "operations/a/b" },
      expected: { verb: "GET", path: "/v1/operations/a/b", query: {} },
    },
    {
      name: "understands a region where a location is meant, as Airflow's operators send",
      rules: [rule("POST", BATCHES, "batch")],
      message: { parent: "projects/p/regions/r", batch: {} },
      expected: { verb: "POST", path: "/v1/projects/p/locations/r/batches", query: {}, body: {} },
    },
    {
      name: "encodes each segment",
      rules: [rule("GET", "/v1/{name=projects/*/things/**}")],
      message: { name: "projects/a b/things/c?d/e" },
      expected: { verb: "GET", path: "/v1/projects/a%20b/things/c%3Fd/e", query: {} },
    },
  ])("$name", ({ rules, message, expected }) => {
    expect(toRest(rules, message as unknown as JsonObject)).toEqual(expected);
  });

  it.each([{}, { parent: "projects/p" }, { parent: "projects/p/zones/z" }, { parent: "projects//locations/l" }])(
    "refuses %j with the field, what it got and what it expects",
    (message) => {
      const attempt = () => toRest([rule("GET", BATCHES)], message as JsonObject);
      expect(attempt).toThrow(ApiError);
      expect(attempt).toThrow(`parent: got ${JSON.stringify(message.parent ?? "")}; expected projects/*/locations/*`);
    },
  );
});
