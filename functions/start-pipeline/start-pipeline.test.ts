/** The function under its own framework's server: orders, answers, what is sent to Google, failures. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { http } from "@google-cloud/functions-framework";
import { getTestServer } from "@google-cloud/functions-framework/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { googleClient, type Transport } from "./google";
import { onEvent, onRequest, type Deps } from "./handler";
import { parseSettings } from "./settings";

const SETTINGS = {
  PROJECT: "lab",
  REGION: "us-central1",
  PIPELINE_SPEC: "gs://lab-pipelines/specs/churn_training.json",
  PIPELINE_SUBMISSIONS: "gs://lab-pipelines/submissions",
  PIPELINE_ROOT: "gs://lab-pipelines/root",
  PIPELINE_ACCOUNT: "runner@lab.iam.gserviceaccount.com",
  PIPELINE_PARAMETERS: JSON.stringify({ dataset: "lab.churn", threshold: "0.6", other: "for another pipeline" }),
};
const SPEC = {
  pipelineInfo: { name: "churn-training" },
  schemaVersion: "2.1.0",
  deploymentSpec: { executors: {} },
  root: {
    dag: { tasks: {} },
    inputDefinitions: {
      parameters: {
        dataset: { parameterType: "STRING" },
        pipeline_id: { parameterType: "STRING" },
        execution_time: { parameterType: "STRING" },
        threshold: { parameterType: "NUMBER_DOUBLE", defaultValue: 0.5 },
      },
    },
  },
};

type Reply = { status: number; data?: unknown; headers?: Record<string, string> };
let server: Server;
let sent: { method: string; url: string; body: string | undefined }[];
let logged: Record<string, unknown>[];
/** Answers by a part of the URL, one after the other; the last goes on. */
let replies: Record<string, Reply[]>;
let settings: Record<string, string>;
let deps: () => Deps;

beforeEach(async () => {
  [sent, logged, settings] = [[], [], { ...SETTINGS }];
  replies = {
    "/o/": [{ status: 200, data: JSON.stringify(SPEC) }],
    upload: [{ status: 200 }],
    aiplatform: [{ status: 200 }],
  };
  const transport: Transport = async ({ method, url, body }) => {
    sent.push({ method, url, body });
    const [, queue] = Object.entries(replies).find(([part]) => url.includes(part))!;
    const { status, data = "{}", headers = {} } = queue.length > 1 ? queue.shift()! : queue[0]!;
    return { status, data, headers: new Headers(headers) };
  };
  deps = () => ({
    settings: parseSettings(settings),
    send: googleClient(transport, [1, 1]),
    now: () => new Date("2026-11-21T15:00:00Z"),
    log: (entry) => void logged.push(entry),
  });
  http(
    "test",
    onRequest(() => deps()),
  );
  server = getTestServer("test");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

async function call(body?: unknown, headers: Record<string, string> = {}, method = "POST") {
  const { port } = server.address() as AddressInfo;
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  const init = {
    method,
    headers: { ...(text && { "content-type": "application/json" }), ...headers },
    ...(text && { body: text }),
  };
  const response = await fetch(`http://127.0.0.1:${port}/`, init);
  const answer = await response.text();
  return { status: response.status, retryAfter: response.headers.get("retry-after"), body: parse(answer) };
}
const parse = (text: string) => (text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : text);
const problems = ({ body }: { body: unknown }) => (body as { error: { problems: string[] } }).error.problems;

describe("an order", () => {
  test("without a body starts the day's run, keeps the submitted job and says where it is", async () => {
    const { status, body } = await call();
    expect(status).toBe(202);
    const id = (body as { id: string }).id;
    expect(id).toMatch(/^churn-training-20261121-[0-9a-f]{10}$/);
    expect(body).toEqual({
      id,
      job: `projects/lab/locations/us-central1/pipelineJobs/${id}`,
      link: `https://console.cloud.google.com/vertex-ai/locations/us-central1/pipelines/runs/${id}?project=lab`,
      submission: `gs://lab-pipelines/submissions/${id}.json`,
    });
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET https://storage.googleapis.com/storage/v1/b/lab-pipelines/o/specs%2Fchurn_training.json?alt=media",
      `POST https://storage.googleapis.com/upload/storage/v1/b/lab-pipelines/o?uploadType=media&ifGenerationMatch=0&name=submissions%2F${id}.json`,
      `POST https://us-central1-aiplatform.googleapis.com/v1/projects/lab/locations/us-central1/pipelineJobs?pipelineJobId=${id}`,
    ]);
    expect(sent[1]?.body).toBe(sent[2]?.body);
    expect(JSON.parse(sent[2]?.body ?? "")).toEqual({
      displayName: "churn-training",
      labels: { pipeline: "churn-training", date: "2026-11-21", attempt: "1" },
      pipelineSpec: SPEC,
      runtimeConfig: {
        gcsOutputDirectory: "gs://lab-pipelines/root",
        parameterValues: {
          dataset: "lab.churn",
          threshold: 0.6,
          pipeline_id: id,
          execution_time: "2026-11-21T00:00:00Z",
        },
      },
      serviceAccount: "runner@lab.iam.gserviceaccount.com",
    });
  });

  test("that is repeated is the same run and gets the same answer, though the job is there already", async () => {
    const first = await call({ date: "2026-11-20", parameters: { threshold: 0.7 } });
    Object.assign(replies, { upload: [{ status: 412 }], aiplatform: [{ status: 409 }] });
    const again = await call({ parameters: { threshold: 0.7 }, date: "2026-11-20" });
    expect(again).toEqual(first);
    expect(sent[4]?.body).toBe(sent[1]?.body);
    expect(logged.at(-1)).toMatchObject({ severity: "INFO", message: expect.stringContaining("is there already") });
  });

  test("with other parameters, of another day, attempt or pipeline is another run", async () => {
    const ids = [await call(), await call({ parameters: { threshold: 0.1 } }), await call({ date: "2026-11-20" })];
    ids.push(await call({ attempt: 2 }));
    expect((await call({ attempt: 1 })).body).toEqual(ids[0]!.body);
    replies["/o/"] = [{ status: 200, data: JSON.stringify({ ...SPEC, sdkVersion: "kfp-2.17.0" }) }];
    ids.push(await call());
    expect(new Set(ids.map(({ body }) => (body as { id: string }).id)).size).toBe(5);
  });

  test("of a schedule is for the day that it was due, whenever it is delivered", async () => {
    const { body } = await call(undefined, { "x-cloudscheduler-scheduletime": "2026-11-20T23:59:00Z" });
    expect((body as { id: string }).id).toMatch(/-20261120-/);
  });

  test("may come as a pushed message", async () => {
    const data = Buffer.from(JSON.stringify({ parameters: { threshold: 0.9 } })).toString("base64");
    const message = { data, messageId: "1", publishTime: "2026-11-19T10:00:00Z" };
    const { status, body } = await call({ message, subscription: "projects/lab/subscriptions/s" });
    expect([status, (body as { id: string }).id]).toEqual([202, expect.stringMatching(/-20261119-/)]);
    expect(sent[2]?.body).toContain('"threshold":0.9');
  });

  test("may come as an event; one that cannot be followed is logged and not asked for again", async () => {
    const event = { id: "e1", time: "2026-11-18T00:00:00Z", data: { parameters: {} } };
    await onEvent(deps)(event as never);
    expect(sent[2]?.url).toMatch(/-20261118-/);
    await onEvent(deps)({ ...event, data: { colour: "red" } } as never);
    expect(logged.at(-1)).toMatchObject({ severity: "ERROR", status: 400, event: "e1" });
    replies.aiplatform = [{ status: 503 }];
    await expect(onEvent(deps)(event as never)).rejects.toThrow(/aiplatform/);
  });

  test("that is wrong is refused with every problem, and nothing is sent", async () => {
    const wrong = await call({ date: "21.11.2026", parameters: [], colour: "red", attempt: 0 });
    expect([wrong.status, problems(wrong)]).toEqual([
      400,
      [
        "colour: not known; expected some of date, parameters, attempt.",
        'date: got "21.11.2026"; expected a day, YYYY-MM-DD.',
        "parameters: got []; expected an object of names and values.",
        "attempt: got 0; expected a whole number from 1 to 99.",
      ],
    ]);
    expect(sent).toEqual([]);
    const unfit = await call({ parameters: { threshold: "high", colour: 1 } });
    expect([unfit.status, problems(unfit)]).toEqual([
      400,
      [
        "parameters.colour: not a parameter of churn-training; expected some of dataset, pipeline_id, execution_time, threshold.",
        'parameters.threshold: got "high"; expected a NUMBER_DOUBLE.',
      ],
    ]);
    expect((await call({ date: "2026-02-30" })).status).toBe(400);
    expect((await call("[1]")).status).toBe(400);
    expect((await call("{not json")).status).toBe(400);
  });

  test("of 10 MB is refused, as is another method", async () => {
    expect((await call({ parameters: { dataset: "x".repeat(10_000_000) } })).status).toBe(413);
    expect((await call(undefined, {}, "DELETE")).status).toBe(405);
    expect(sent).toEqual([]);
  });
});

describe("a failure", () => {
  test.each([
    [{ status: 403, data: JSON.stringify({ error: { message: "no access" } }) }, 403, null],
    [{ status: 404 }, 404, null],
    [{ status: 429, headers: { "retry-after": "7" } }, 429, "7"],
    [{ status: 400 }, 502, null],
    [{ status: 503 }, 503, "30"],
  ])("of a service is told as what it is: %j", async (reply, status, retryAfter) => {
    replies.aiplatform = [reply];
    expect(await call()).toMatchObject({
      status,
      retryAfter,
      body: { error: { message: expect.stringContaining("aiplatform") } },
    });
    expect(sent.filter(({ url }) => url.includes("aiplatform"))).toHaveLength(reply.status >= 500 ? 3 : 1);
  });

  test("that passes is waited for", async () => {
    replies.aiplatform = [{ status: 500 }, { status: 502 }, { status: 200 }];
    expect((await call()).status).toBe(202);
  });

  test.each([
    ["{", /churn_training\.json is not JSON \(/],
    [
      '{"pipelineInfo":{"name":"x"}}',
      /is not a compiled pipeline:\n {2}schemaVersion: got undefined; expected 2\.1\.x\.\n {2}root\.dag/,
    ],
  ])("of the stored pipeline is told: %s", async (data, message) => {
    replies["/o/"] = [{ status: 200, data }];
    const { status, body } = await call();
    expect([status, (body as { error: { message: string } }).error.message]).toEqual([
      500,
      expect.stringMatching(message),
    ]);
  });

  test("of the settings is told with every problem", async () => {
    settings = { ...SETTINGS, REGION: "here", PIPELINE_ACCOUNT: "", PIPELINE_PARAMETERS: "[]" };
    const { status, body } = await call();
    expect([status, (body as { error: { message: string } }).error.message]).toEqual([
      500,
      [
        "The function cannot start pipelines:",
        '  REGION: got "here"; expected a region such as us-central1.',
        '  PIPELINE_ACCOUNT: got ""; expected the e-mail of a service account.',
        '  PIPELINE_PARAMETERS: got "[]"; expected a JSON object of texts.',
      ].join("\n"),
    ]);
  });

  test("is logged with the request's trace", async () => {
    replies.aiplatform = [{ status: 403 }];
    const trace = "0af7651916cd43dd8448eb211c80319c";
    await call(undefined, { traceparent: `00-${trace}-b7ad6b7169203331-01` });
    expect(logged).toEqual([
      expect.objectContaining({
        severity: "WARNING",
        status: 403,
        "logging.googleapis.com/trace": `projects/lab/traces/${trace}`,
      }),
    ]);
  });
});
