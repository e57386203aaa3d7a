/** The surface: answers by the OpenAPI document, every problem at once, and a model that changes under load. */
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import Ajv2020 from "ajv/dist/2020";
import type { FastifyInstance } from "fastify";
import { openApi } from "./openapi";
import { serverOf } from "./server";
import { instance, memoryChampion, probability, type MemoryBucket } from "./testing";

let bucket: MemoryBucket;
let app: FastifyInstance;
let address: string;
beforeEach(async () => {
  bucket = memoryChampion();
  bucket.promote("golden");
  await bucket.champion.look();
  app = serverOf({
    settings: { predictRoute: "/vertex/predict", healthRoute: "/vertex/health" },
    models: bucket.champion,
  });
  address = await app.listen({ port: 0, host: "127.0.0.1" });
});
afterEach(() => app.close());

const ajv = new Ajv2020({ strict: false });
ajv.addSchema(openApi(), "openapi");
async function send(method: string, url: string, body?: string, type = "application/json") {
  const headers: Record<string, string> = body === undefined ? {} : { "content-type": type };
  const response = await fetch(`${address}${url}`, { method, body, headers });
  return { statusCode: response.status, answer: JSON.parse(await response.text()) };
}

/** Asks, and checks the answer against the document's schema of that name. */
async function ask(method: "GET" | "POST", url: string, payload: unknown, schema: string) {
  const { statusCode, answer } = await send(method, url, payload === undefined ? undefined : JSON.stringify(payload));
  const matches = ajv.getSchema(`openapi#/components/schemas/${schema}`)!;
  expect({ valid: matches(answer), errors: matches.errors }).toEqual({ valid: true, errors: null });
  return { statusCode, answer };
}
const predict = (instances: unknown, schema = "PredictResponse") => ask("POST", "/v1/predict", { instances }, schema);
const violations = async (instances: unknown) =>
  ((await predict(instances, "Error")).answer.error.details[0]?.fieldViolations ?? []).map(
    ({ field, description }: { field: string; description: string }) => `${field}: ${description}`,
  );

describe("predictions", () => {
  it.each(["/v1/predict", "/vertex/predict"])("are one per instance, in order, at %s", async (url) => {
    const { answer } = await ask(
      "POST",
      url,
      { instances: [instance, { ...instance, contract: "Two year" }] },
      "PredictResponse",
    );
    expect(answer.predictions).toHaveLength(2);
    expect(answer.predictions[0]).toEqual({
      churn: probability > 0.5 ? "yes" : "no",
      probability,
      model_version: "golden",
    });
  });

  it("take 18 inputs and no answer", async () => {
    expect(Object.keys(instance)).toHaveLength(18);
    expect(await violations([{ ...instance, churn: "no" }])).toEqual([
      expect.stringMatching(/^instances\[0\]\.churn: is not an input of this model; expected monthly_charges, /),
    ]);
  });

  it("name the inputs whose category is unseen, which have no say", async () => {
    const [one, other] = (
      await predict([
        { ...instance, contract: "Ten years" },
        { ...instance, contract: "Never" },
      ])
    ).answer.predictions;
    expect(one.unseen).toEqual(["contract"]);
    expect(one.probability).toBe(other.probability);
  });

  it.each([[null], [""], [" "]])("take blank total charges %j as those of the first month", async (blank) => {
    const [one, other] = (
      await predict([
        { ...instance, total_charges: blank },
        { ...instance, total_charges: 0 },
      ])
    ).answer.predictions;
    expect(one).toEqual(other);
  });

  it("take the source file's own words", async () => {
    const [one, other] = (
      await predict([
        { ...instance, tech_support: "No internet service", senior_citizen: "1" },
        { ...instance, tech_support: "No", senior_citizen: 1 },
      ])
    ).answer.predictions;
    expect(one).toEqual(other);
  });
});

describe("wrong requests", () => {
  it("get every problem of every instance at once", async () => {
    const { gender: _, ...without } = instance;
    const wrong = [
      { ...without, contract: 1.5, monthly_charges: "" },
      instance,
      7,
      { ...instance, total_charges: "12", partner: true },
    ];
    expect(await violations(wrong)).toEqual([
      'instances[0].monthly_charges: got ""; expected a finite number, not blank.',
      "instances[0].gender: is missing.",
      "instances[0].contract: got 1.5; expected a category as text.",
      "instances[2]: got 7; expected an object with 18 inputs.",
      'instances[3].total_charges: got "12"; expected a finite number, or blank for 0.',
      "instances[3].partner: got true; expected a category as text.",
    ]);
  });

  it("get at most 1,000 problems in full, and their number", async () => {
    const { error } = (
      await predict(
        Array.from({ length: 100 }, () => ({})),
        "Error",
      )
    ).answer;
    expect(error.message).toBe(
      "1800 problems in the instances, of which the first 1000 are listed; nothing was predicted.",
    );
    expect(error.details[0].fieldViolations).toHaveLength(1000);
  });

  it.each([
    [{}, "got nothing"],
    ["text", "got a string"],
    [[{}], "got a list"],
    [{ instances: [] }, "got no instance"],
    [{ instances: "x" }, "got instances"],
    [{ instances: [{}], parameters: { threshold: 0.3 } }, "got instances, parameters"],
    [{ instances: [{}], explain: true }, "got instances, explain"],
  ])("of another shape (%j) are refused", async (body, got) => {
    const { statusCode, answer } = await ask("POST", "/v1/predict", body, "Error");
    expect(statusCode).toBe(400);
    expect(answer.error.message).toContain(got);
  });

  it.each([
    ["{", "application/json", 400],
    ['{"instances": [{"__proto__": {}}]}', "application/json", 400],
    ["a=1", "application/x-www-form-urlencoded", 415],
    [`{"instances": ["${"x".repeat(1_600_000)}"]}`, "application/json", 413],
    [`{"instances": ["${"x".repeat(10_000_000)}"]}`, "application/json", 413],
  ])("with a body that is none (%#) are refused in Google's form", async (payload, type, code) => {
    const { statusCode, answer } = await send("POST", "/v1/predict", payload, type);
    expect([statusCode, answer.error.code]).toEqual([code, code]);
    if (code === 413) expect(answer.error.message).toContain("too large; expected at most 1500000 bytes");
  });

  it("to another path are told where the paths are", async () => {
    expect((await ask("GET", "/v1/predict", undefined, "Error")).statusCode).toBe(404);
  });
});

it("answers the request that is under way when it is asked to end", async () => {
  const body = JSON.stringify({ instances: [instance] });
  const headers = { "content-type": "application/json", "content-length": body.length };
  const asked = request(`${address}/v1/predict`, { method: "POST", headers });
  const answered = once(asked, "response") as Promise<[IncomingMessage]>;
  asked.write(body.slice(0, 20));
  await once(app.server, "request");
  const ended = app.close();
  asked.end(body.slice(20));
  const [response] = await answered;
  expect([response.statusCode, (await json(response)) as object]).toEqual([
    200,
    { predictions: [expect.objectContaining({ probability })] },
  ]);
  await ended;
});

it("says that it is healthy, which model answers, and what it offers", async () => {
  for (const url of ["/healthz", "/vertex/health"])
    expect((await ask("GET", url, undefined, "Health")).answer).toEqual({ status: "ok", model_version: "golden" });
  const { answer } = await ask("GET", "/v1/model", undefined, "Model");
  expect(answer.inputs).toHaveLength(18);
  expect((await send("GET", "/openapi.json")).answer).toEqual(openApi());
});
