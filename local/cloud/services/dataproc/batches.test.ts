/** Batches through the API surface: states, operations, order, cancelling, ttl, deleting, restarts. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { JsonObject } from "../../service";
import { readObject } from "../storage/objects";
import { ACCOUNT, batch, BatchLab, BATCHES, PARENT, STAGING, waitFor } from "./testing";
import { text } from "./workload-rules";

let lab: BatchLab;
beforeEach(async () => {
  lab = await BatchLab.open();
});
afterEach(() => lab.close());

async function reopen(capacity: number): Promise<void> {
  await lab.close();
  lab = await BatchLab.open(capacity);
}

describe("a batch", () => {
  test("runs, and its operation answers it", async () => {
    const made = await lab.create("first");
    expect(made).toMatchObject({
      done: false,
      name: expect.stringMatching(/^projects\/sparklab-local\/regions\/us-central1\/operations\//),
    });
    expect(made.metadata).toMatchObject({
      batch: `${PARENT}/batches/first`,
      operationType: "BATCH",
      description: "Batch",
    });
    const running = await lab.until("first", "RUNNING");
    expect(running.stateHistory).toEqual([{ state: "PENDING", stateStartTime: running.createTime }]);
    expect(running.runtimeInfo).toMatchObject({
      currentUsage: { milliDcu: "1700" },
      outputUri: expect.stringMatching(/driveroutput$/),
    });
    lab.engine.end("first", { exitCode: 0 });
    const done = await lab.until("first", "SUCCEEDED");
    expect((done.stateHistory as JsonObject[]).map(({ state }) => state)).toEqual(["PENDING", "RUNNING"]);
    expect(done.runtimeInfo).toMatchObject({
      approximateUsage: { milliDcuSeconds: "1234", shuffleStorageGbSeconds: "0" },
    });
    const finished = await lab.operation(made);
    expect(finished.response).toMatchObject({
      "@type": "type.googleapis.com/google.cloud.dataproc.v1.Batch",
      state: "SUCCEEDED",
    });
    expect(finished.metadata).toMatchObject({ batchUuid: done.uuid, doneTime: done.stateTime });
  });

  test("shows what the service fills in", async () => {
    await lab.create("filled", batch({ labels: { job: "churn" } }));
    const made = await lab.get("filled");
    expect(made.environmentConfig).toEqual({
      executionConfig: { serviceAccount: ACCOUNT, stagingBucket: STAGING, subnetworkUri: "default", ttl: "14400s" },
      peripheralsConfig: { sparkHistoryServerConfig: {} },
    });
    expect(made).toMatchObject({
      creator: "operator@sparklab.local",
      runtimeConfig: {
        version: "2.3",
        properties: { "spark:spark.driver.memory": "2048m", "spark:spark.master": "local[2]" },
      },
      labels: {
        job: "churn",
        "goog-dataproc-batch-id": "filled",
        "goog-dataproc-location": "us-central1",
        "goog-dataproc-batch-uuid": made.uuid,
      },
    });
  });

  test("warns in its operation when no runtime is named", async () => {
    const made = await lab.create("no-version", batch({ runtimeConfig: {} }));
    expect((made.metadata as JsonObject).warnings).toEqual([
      expect.stringMatching(/^No runtime version specified\. Using the default runtime version 2\.3\./),
    ]);
    expect(await lab.get("no-version")).toMatchObject({ runtimeConfig: { version: "2.3" } });
  });

  test("hands the driver what was asked, and a metadata server of its account", async () => {
    await lab.create("handed", batch({ runtimeConfig: { version: "2.3", properties: { "spark.x": "y" } } }));
    await lab.until("handed", "RUNNING");
    const workload = lab.engine.submitted[0]!;
    expect(workload).toMatchObject({ id: "handed", args: ["--x", "1"], properties: { "spark.x": "y" } });
    const answer = await fetch(
      `http://${workload.metadataHost}/computeMetadata/v1/instance/service-accounts/default/email`,
      { headers: { "metadata-flavor": "Google" } },
    );
    expect((await answer.text()).trim()).toBe(ACCOUNT);
  });

  test("copies the driver's output to the staging bucket while it runs", async () => {
    await lab.create("loud");
    const running = await lab.until("loud", "RUNNING");
    const uri = text((running.runtimeInfo as JsonObject).outputUri);
    lab.engine.print("loud", "one\n");
    const part = async () => {
      const found = await readObject(lab.lab.cloud, STAGING, `${uri.split(`${STAGING}/`)[1]}.000000000`).catch(
        () => undefined,
      );
      return found ? (await found.stream.toArray()).join("") : "";
    };
    await waitFor(part, (copied) => copied === "one\n");
    lab.engine.print("loud", "two\n");
    lab.engine.end("loud", { exitCode: 0 });
    await lab.until("loud", "SUCCEEDED");
    expect(await part()).toBe("one\ntwo\n");
  });

  test("fails with the driver's error and where to read more", async () => {
    const made = await lab.create("broken");
    await lab.until("broken", "RUNNING");
    lab.engine.print(
      "broken",
      'Traceback (most recent call last):\n  File "job.py", line 1\nValueError: no such column: x\n',
    );
    lab.engine.end("broken", { exitCode: 1 });
    const failed = await lab.until("broken", "FAILED");
    expect(failed.stateMessage).toMatch(
      /^Job failed with message \[ValueError: no such column: x\]\. Additional details can be found at:\nhttps:.*batches\/us-central1\/broken\?project=sparklab-local\ngcloud dataproc batches wait 'broken' --region 'us-central1' --project 'sparklab-local'\n.*\ngs:.*driveroutput\.\*$/s,
    );
    expect((await lab.operation(made)).error).toEqual({ code: 10, message: failed.stateMessage });
  });

  test("says so when its driver was killed", async () => {
    await lab.create("killed");
    await lab.until("killed", "RUNNING");
    lab.engine.end("killed", { signal: "SIGKILL" });
    expect((await lab.until("killed", "FAILED")).stateMessage).toMatch(
      /^Driver received SIGTERM\/SIGKILL signal and exited with 137 code/,
    );
  });

  test("runs in the bucket that the service makes when it names none", async () => {
    await lab.create("nowhere", batch({ environmentConfig: { executionConfig: { serviceAccount: ACCOUNT } } }));
    await lab.until("nowhere", "RUNNING");
    expect(
      await lab.lab.rest("GET https://storage.googleapis.com/storage/v1/b/dataproc-staging-us-central1-100000000001"),
    ).toMatchObject({ location: "US-CENTRAL1" });
  });
});

describe("idempotency", () => {
  test("gives the same request the same operation", async () => {
    const made = await lab.create("again", batch(), "&requestId=r-1");
    expect(await lab.create("again", batch(), "&requestId=r-1")).toEqual(made);
    await lab.until("again", "RUNNING");
    expect(lab.engine.submitted).toHaveLength(1);
  });
  test("refuses a used id", async () => {
    await lab.create("used");
    expect(await lab.refused(batch(), "?batchId=used")).toBe(
      `ALREADY_EXISTS: Already exists: Failed to create batch: Batch ${PARENT}/batches/used`,
    );
  });
  test("draws an id when none is given", async () => {
    const made = await lab.lab.rest(`POST ${BATCHES}`, batch());
    expect(((made as JsonObject).metadata as JsonObject).batch).toMatch(/\/batches\/[a-z0-9-]{36}$/);
  });
});

describe("cancelling and deleting", () => {
  test("ends a running batch through its operation", async () => {
    const made = await lab.create("long");
    await lab.until("long", "RUNNING");
    await lab.cancel(made);
    const cancelled = await lab.until("long", "CANCELLED");
    expect(lab.engine.stopped).toEqual(["long"]);
    expect((cancelled.stateHistory as JsonObject[]).map(({ state }) => state)).toEqual([
      "PENDING",
      "RUNNING",
      "CANCELLING",
    ]);
    expect(cancelled.stateMessage).toBe("Cancelled by operator@sparklab.local.");
    expect((await lab.operation(made)).error).toMatchObject({ code: 1 });
  });
  test("knows the operation under locations too", async () => {
    const made = await lab.create("both");
    const name = text(made.name).replace("/regions/", "/locations/");
    await lab.cancel({ name });
    await lab.until("both", "CANCELLED");
    expect(await lab.operation({ name })).toMatchObject({ name: made.name });
  });
  test("leaves a batch alone that has ended", async () => {
    const made = await lab.create("over");
    await lab.until("over", "RUNNING");
    lab.engine.end("over", { exitCode: 0 });
    await lab.until("over", "SUCCEEDED");
    await lab.cancel(made);
    expect(await lab.get("over")).toMatchObject({ state: "SUCCEEDED" });
  });
  test("deletes a batch that has ended, and only such a one", async () => {
    await lab.create("gone");
    await lab.until("gone", "RUNNING");
    const { status, message } = await lab.lab.refusal(`DELETE ${BATCHES}/gone`);
    expect(`${status}: ${message}`).toMatch(
      /^FAILED_PRECONDITION: Batch '.*\/gone' is in state RUNNING and cannot be deleted; cancel its operation projects\/.* first\.$/,
    );
    lab.engine.end("gone", { exitCode: 0 });
    await lab.until("gone", "SUCCEEDED");
    expect(await lab.lab.rest(`DELETE ${BATCHES}/gone`)).toEqual({});
    expect((await lab.lab.refusal(`GET ${BATCHES}/gone`)).message).toBe(`Not found: Batch ${PARENT}/batches/gone`);
  });
});

describe("waiting", () => {
  beforeEach(() => reopen(2));
  test("keeps batches that do not fit PENDING and starts them in the order of their creation", async () => {
    for (const id of ["one1", "two2", "three", "four"]) await lab.create(id);
    await lab.until("two2", "RUNNING");
    expect([(await lab.get("three")).state, (await lab.get("four")).state]).toEqual(["PENDING", "PENDING"]);
    lab.engine.end("one1", { exitCode: 0 });
    await lab.until("three", "RUNNING");
    expect((await lab.get("four")).state).toBe("PENDING");
  });
  test("cancels a waiting batch without ever starting it", async () => {
    for (const id of ["one1", "two2"]) await lab.create(id);
    const made = await lab.create("three");
    await lab.until("two2", "RUNNING");
    await lab.cancel(made);
    expect(await lab.get("three")).toMatchObject({ state: "CANCELLED", stateHistory: [{ state: "PENDING" }] });
    lab.engine.end("one1", { exitCode: 0 });
    await lab.until("one1", "SUCCEEDED");
    expect(lab.engine.submitted.map(({ id }) => id)).toEqual(["one1", "two2"]);
  });
});

describe("after a restart", () => {
  test("ends a batch that is past its ttl, with the reason in its history", async () => {
    await lab.create("late", batch({}, { ttl: "600s" }));
    await lab.until("late", "RUNNING");
    lab.clock = new Date(Date.now() + 601_000);
    await lab.die();
    const late = await lab.until("late", "CANCELLED");
    expect((late.stateHistory as JsonObject[]).at(-1)).toMatchObject({
      state: "CANCELLING",
      stateMessage: "Cancelling batch as ttl exceeded",
    });
  });
  test("starts what waited", async () => {
    await reopen(1);
    await lab.create("runs");
    await lab.create("waits");
    await lab.until("runs", "RUNNING");
    await lab.restart();
    expect(await lab.until("runs", "CANCELLED")).toMatchObject({ stateMessage: "Cancelled: the cloud was shut down." });
    await lab.until("waits", "RUNNING");
  });
});
