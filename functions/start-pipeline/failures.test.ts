/** What the function answers and logs when a service, the stored pipeline or its settings fail it. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { openScene, type Scene } from "./testing";

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

describe("a failure", () => {
  test.each([
    [{ status: 403, data: JSON.stringify({ error: { message: "no access" } }) }, 403, null],
    [{ status: 404 }, 404, null],
    [{ status: 429, headers: { "retry-after": "7" } }, 429, "7"],
    [{ status: 400 }, 502, null],
    [{ status: 503 }, 503, "30"],
  ])("of a service is told as what it is: %j", async (reply, status, retryAfter) => {
    scene.replies.aiplatform = [reply];
    expect(await scene.call()).toMatchObject({
      status,
      retryAfter,
      body: { error: { message: expect.stringContaining("aiplatform") } },
    });
    expect(scene.sent.filter(({ url }) => url.includes("aiplatform"))).toHaveLength(reply.status >= 500 ? 3 : 1);
  });

  test("that passes is waited for", async () => {
    scene.replies.aiplatform = [{ status: 500 }, { status: 502 }, { status: 200 }];
    expect((await scene.call()).status).toBe(202);
  });

  test.each([
    [
      "{",
      /churn_training\.json is not JSON \(.*\)\. Deploy it again: pulumi up --refresh, or npx sparklab up --refresh$/,
    ],
    [
      '{"pipelineInfo":{"name":"x"}}',
      /is not a compiled pipeline\. Deploy it again: .* npx sparklab up --refresh\n {2}schemaVersion: got undefined; expected 2\.1\.x\.\n {2}root\.dag/,
    ],
  ])("of the stored pipeline is told: %s", async (data, message) => {
    scene.replies["/o/"] = [{ status: 200, data }];
    const { status, body } = await scene.call();
    expect([status, (body as { error: { message: string } }).error.message]).toEqual([
      500,
      expect.stringMatching(message),
    ]);
  });

  test("of the settings is told with every problem", async () => {
    Object.assign(scene.settings, { REGION: "here", PIPELINE_ACCOUNT: "", PIPELINE_PARAMETERS: "[]" });
    const { status, body } = await scene.call();
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
    scene.replies.aiplatform = [{ status: 403 }];
    const trace = "0af7651916cd43dd8448eb211c80319c";
    await scene.call(undefined, { traceparent: `00-${trace}-b7ad6b7169203331-01` });
    expect(scene.logged).toEqual([
      expect.objectContaining({
        severity: "WARNING",
        status: 403,
        "logging.googleapis.com/trace": `projects/lab/traces/${trace}`,
      }),
    ]);
  });
});
