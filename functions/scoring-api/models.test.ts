/** Which model answers: none yet, the first, the next, and never a wrong one; no request fails when it changes. */
import type { FastifyInstance } from "fastify";
import { fixedModel } from "./models";
import { serverOf } from "./server";
import { bundleText, instance, memoryChampion, pointerText, probability, type MemoryBucket } from "./testing";

let bucket: MemoryBucket;
let app: FastifyInstance;
let address: string;
beforeEach(async () => {
  bucket = memoryChampion();
  app = serverOf({ settings: { predictRoute: "/p", healthRoute: "/h" }, models: bucket.champion });
  address = await app.listen({ port: 0, host: "127.0.0.1" });
});
afterEach(() => app.close());

async function predict(rows = 1) {
  const response = await fetch(`${address}/v1/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ instances: Array.from({ length: rows }, () => instance) }),
  });
  const { predictions = [], error } = (await response.json()) as {
    predictions?: { probability: number; model_version: string }[];
    error?: { status: string; message: string };
  };
  return { status: response.status, predictions, error };
}
const get = async (path: string) => {
  const response = await fetch(`${address}${path}`);
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
};
const served = async () => (await predict()).predictions[0]?.model_version;

describe("while there is no champion", () => {
  it("the API is alive and says what would bring one", async () => {
    expect(await get("/healthz")).toEqual({ status: 200, answer: { status: "ok" } });
    const refusal = {
      status: "UNAVAILABLE",
      message:
        "No champion yet: gs://bundles/churn/champion.json does not exist. Run the training pipeline, which promotes a model that is good enough.",
    };
    expect(await predict()).toMatchObject({ status: 503, error: refusal });
    expect(await get("/v1/model")).toMatchObject({ status: 503, answer: { error: refusal } });
  });

  it("the first request after it has come is answered", async () => {
    expect((await predict()).status).toBe(503);
    bucket.promote("first");
    expect(await served()).toBe("first");
  });

  it("requests at the same time look once", async () => {
    await Promise.all([bucket.champion.look(), bucket.champion.look(), bucket.champion.look()]);
    expect(bucket.asked).toEqual(["champion.json"]);
  });
});

describe("a new champion", () => {
  it("takes over while requests are under way, none of which fails", async () => {
    bucket.promote("model-0");
    const seen = new Set<string>();
    let left = 600;
    const client = async () => {
      for (; left > 0; left -= 1) {
        const { status, predictions } = await predict(2);
        expect(status).toBe(200);
        expect(predictions[0]!.model_version).toBe(predictions[1]!.model_version);
        seen.add(predictions[0]!.model_version);
        // Each model changes when the one before has been seen to answer.
        if (seen.size < 5 && bucket.champion.current!.model.about.version === predictions[0]!.model_version) {
          bucket.promote(`model-${seen.size}`);
          await bucket.champion.look();
        }
      }
    };
    await Promise.all([client(), client(), client()]);
    expect([...seen]).toEqual(["model-0", "model-1", "model-2", "model-3", "model-4"]);
  });

  it("is followed back to an earlier version", async () => {
    for (const version of ["one", "two"]) bucket.promote(version);
    expect(await served()).toBe("two");
    bucket.put("champion.json", pointerText("one"));
    await bucket.champion.look();
    expect(await served()).toBe("one");
  });

  it("is found by whoever watches, until that is told to stop", async () => {
    const stop = new AbortController();
    const watching = bucket.champion.watch(0.001, stop.signal);
    bucket.promote("one");
    while (bucket.champion.current === undefined) await new Promise(setImmediate);
    stop.abort();
    await watching;
    bucket.promote("two");
    expect(await served()).toBe("one");
  });

  it("is read when its pointer has changed, and only then", async () => {
    bucket.promote("one");
    for (let look = 0; look < 3; look += 1) await bucket.champion.look();
    expect(bucket.asked).toEqual(["champion.json", "bundle.json", "champion.json", "champion.json"]);
    expect((await get("/v1/model")).answer).toMatchObject({ version: "one", champion: { pipelineId: "run-1" } });
  });
});

describe("the model that is there goes on, and says why the newest does not answer, when", () => {
  const truncated = bundleText((bundle) => (bundle.model.version = "wrong")).slice(0, 5000);
  it.each<[string, () => void, RegExp]>([
    [
      "its bundle is truncated",
      () => {
        bucket.put("wrong/bundle.json", truncated);
        bucket.put("champion.json", pointerText("wrong"));
      },
      /^model bundle gs:\/\/bundles\/churn\/wrong\/bundle\.json: .*\n {2}is not JSON \(5000 characters\)/,
    ],
    [
      "its bundle is another version's",
      () => {
        bucket.put("wrong/bundle.json", bundleText());
        bucket.put("champion.json", pointerText("wrong"));
      },
      /got model version golden; expected wrong, which gs:\/\/bundles\/churn\/champion\.json names/,
    ],
    [
      "its bundle is not there",
      () => bucket.put("champion.json", pointerText("lost")),
      /lost\/bundle\.json: got no obj/,
    ],
    [
      "its pointer is none",
      () => bucket.put("champion.json", '{"version": "wrong"}'),
      /^champion gs:.*expected what the training pipeline writes\.\n {2}\/: must have required property 'bundle'/,
    ],
  ])("%s", async (_, spoil, problem) => {
    bucket.promote("whole");
    await bucket.champion.look();
    spoil();
    await bucket.champion.look();
    expect((await predict()).predictions).toEqual([expect.objectContaining({ model_version: "whole", probability })]);
    expect((await get("/v1/model")).answer.newer_model_refused).toMatch(problem);
    // It is judged once, and said once.
    const asked = bucket.asked.length;
    await bucket.champion.look();
    expect(bucket.asked.slice(asked)).toEqual(["champion.json"]);
    expect(bucket.failures).toEqual([expect.stringMatching(problem)]);
    bucket.promote("next");
    await bucket.champion.look();
    expect(await served()).toBe("next");
    expect((await get("/v1/model")).answer).not.toHaveProperty("newer_model_refused");
  });
});

describe("a model that never changes", () => {
  const reader = (found: { text: string; generation: string } | "absent") => async (uri: string) =>
    uri === "gs://m/1/bundle.json" ? found : "absent";

  it.each(["gs://m/1", "gs://m/1/"])("is the bundle in the folder %s", async (folder) => {
    const models = await fixedModel(folder, reader({ text: bundleText(), generation: "1" }));
    expect(models.current?.model.about.version).toBe("golden");
  });

  it("is needed before anything is served", async () => {
    await expect(fixedModel("gs://m/1", reader("absent"))).rejects.toThrow(
      "model bundle gs://m/1/bundle.json: got no object; expected what churn_export writes.",
    );
  });
});
