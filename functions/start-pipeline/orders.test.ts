/** Orders of a person, a schedule, a message or an event, at the function: which run follows, which are refused. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { onEvent } from "./handler";
import { openScene, SPEC, type Answer, type Scene } from "./testing";

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

const problems = ({ body }: Answer) => (body as { error: { problems: string[] } }).error.problems;

describe("an order", () => {
  test("without a body starts the day's run, keeps the submitted job and says where it is", async () => {
    const { status, body } = await scene.call();
    expect(status).toBe(202);
    const id = (body as { id: string }).id;
    expect(id).toMatch(/^churn-training-20261121-[0-9a-f]{10}$/);
    expect(body).toEqual({
      id,
      job: `projects/lab/locations/us-central1/pipelineJobs/${id}`,
      link: `https://console.cloud.google.com/vertex-ai/locations/us-central1/pipelines/runs/${id}?project=lab`,
      submission: `gs://lab-pipelines/submissions/${id}.json`,
    });
    expect(scene.sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET https://storage.googleapis.com/storage/v1/b/lab-pipelines/o/specs%2Fchurn_training.json?alt=media",
      `POST https://storage.googleapis.com/upload/storage/v1/b/lab-pipelines/o?uploadType=media&ifGenerationMatch=0&name=submissions%2F${id}.json`,
      `POST https://us-central1-aiplatform.googleapis.com/v1/projects/lab/locations/us-central1/pipelineJobs?pipelineJobId=${id}`,
    ]);
    expect(scene.sent[1]?.body).toBe(scene.sent[2]?.body);
    expect(JSON.parse(scene.sent[2]?.body ?? "")).toEqual({
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
    const first = await scene.call({ date: "2026-11-20", parameters: { threshold: 0.7 } });
    Object.assign(scene.replies, { upload: [{ status: 412 }], aiplatform: [{ status: 409 }] });
    const again = await scene.call({ parameters: { threshold: 0.7 }, date: "2026-11-20" });
    expect(again).toEqual(first);
    expect(scene.sent[4]?.body).toBe(scene.sent[1]?.body);
    expect(scene.logged.at(-1)).toMatchObject({
      severity: "INFO",
      message: expect.stringContaining("is there already"),
    });
  });

  test("with other parameters, of another day, attempt or pipeline is another run", async () => {
    const ids = [
      await scene.call(),
      await scene.call({ parameters: { threshold: 0.1 } }),
      await scene.call({ date: "2026-11-20" }),
    ];
    ids.push(await scene.call({ attempt: 2 }));
    expect((await scene.call({ attempt: 1 })).body).toEqual(ids[0]!.body);
    scene.replies["/o/"] = [{ status: 200, data: JSON.stringify({ ...SPEC, sdkVersion: "kfp-2.17.0" }) }];
    ids.push(await scene.call());
    expect(new Set(ids.map(({ body }) => (body as { id: string }).id)).size).toBe(5);
  });

  test("of a schedule is for the day that it was due, whenever it is delivered", async () => {
    const { body } = await scene.call(undefined, { "x-cloudscheduler-scheduletime": "2026-11-20T23:59:00Z" });
    expect((body as { id: string }).id).toMatch(/-20261120-/);
  });

  test("may come as a pushed message", async () => {
    const data = Buffer.from(JSON.stringify({ parameters: { threshold: 0.9 } })).toString("base64");
    const message = { data, messageId: "1", publishTime: "2026-11-19T10:00:00Z" };
    const { status, body } = await scene.call({ message, subscription: "projects/lab/subscriptions/s" });
    expect([status, (body as { id: string }).id]).toEqual([202, expect.stringMatching(/-20261119-/)]);
    expect(scene.sent[2]?.body).toContain('"threshold":0.9');
  });

  test("may come as an event; one that cannot be followed is logged and not asked for again", async () => {
    const event = { id: "e1", time: "2026-11-18T00:00:00Z", data: { parameters: {} } };
    await onEvent(scene.deps)(event as never);
    expect(scene.sent[2]?.url).toMatch(/-20261118-/);
    await onEvent(scene.deps)({ ...event, data: { colour: "red" } } as never);
    expect(scene.logged.at(-1)).toMatchObject({ severity: "ERROR", status: 400, event: "e1" });
    scene.replies.aiplatform = [{ status: 503 }];
    await expect(onEvent(scene.deps)(event as never)).rejects.toThrow(/aiplatform/);
  });

  test("that is wrong is refused with every problem, and nothing is sent", async () => {
    const wrong = await scene.call({ date: "21.11.2026", parameters: [], colour: "red", attempt: 0 });
    expect([wrong.status, problems(wrong)]).toEqual([
      400,
      [
        "colour: not known; expected some of date, parameters, attempt.",
        'date: got "21.11.2026"; expected a day, YYYY-MM-DD.',
        "parameters: got []; expected an object of names and values.",
        "attempt: got 0; expected a whole number from 1 to 99.",
      ],
    ]);
    expect(scene.sent).toEqual([]);
    const unfit = await scene.call({ parameters: { threshold: "high", colour: 1 } });
    expect([unfit.status, problems(unfit)]).toEqual([
      400,
      [
        "parameters.colour: not a parameter of churn-training; expected some of dataset, pipeline_id, execution_time, threshold.",
        'parameters.threshold: got "high"; expected a NUMBER_DOUBLE.',
      ],
    ]);
    expect((await scene.call({ date: "2026-02-30" })).status).toBe(400);
    expect((await scene.call("[1]")).status).toBe(400);
    expect((await scene.call("{not json")).status).toBe(400);
  });

  test("of 10 MB is refused, as is another method", async () => {
    expect((await scene.call({ parameters: { dataset: "x".repeat(10_000_000) } })).status).toBe(413);
    expect((await scene.call(undefined, {}, "DELETE")).status).toBe(405);
    expect(scene.sent).toEqual([]);
  });
});
