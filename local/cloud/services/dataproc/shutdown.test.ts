/** What is left of a batch whose beginning or end the cloud could not store, or died in. */
import { expect, test } from "@jest/globals";
import { listRuns } from "./batch-runs";
import { BatchLab, BATCHES, waitFor } from "./testing";

test("cancels a batch whose driver was being started when the cloud was shut down", async () => {
  const lab = await BatchLab.open();
  const submit = lab.engine.submit;
  let goOn: () => void = () => undefined;
  const asked = new Promise<void>((begun) => {
    lab.engine.submit = async (workload) => {
      begun();
      await new Promise<void>((resolve) => (goOn = resolve));
      return submit(workload);
    };
  });
  await lab.create("starting");
  await asked;
  const closed = lab.close();
  goOn();
  await closed;
  expect(lab.engine.stopped).toEqual(["starting"]);
});

test("a batch whose end was stored when the cloud died is finished by the next one: its operation, its run", async () => {
  const lab = await BatchLab.open();
  const made = await lab.create("ended");
  await lab.until("ended", "RUNNING");
  // As far as it came: what follows the batch's own state is never reached.
  lab.lab.cloud.operations.finish = () => new Promise(() => undefined);
  lab.engine.end("ended", { exitCode: 0 });
  const ended = await lab.until("ended", "SUCCEEDED");
  await lab.die();
  expect((await lab.operation(made)).response).toMatchObject({ state: "SUCCEEDED" });
  await waitFor(
    () => listRuns(lab.lab.cloud),
    (runs) => runs.length === 0,
  );
  expect(await lab.get("ended")).toEqual(ended);
  await lab.close();
});

test("a driver whose start cannot be stored does not go on", async () => {
  const lab = await BatchLab.open();
  const { store } = lab.lab.cloud;
  const { write } = store;
  store.write = async (changes) => {
    if (JSON.stringify(changes.put ?? {}).includes('"state":"RUNNING"')) throw new Error("no space left");
    return write(changes);
  };
  await lab.create("unseen");
  expect((await lab.until("unseen", "FAILED")).stateMessage).toMatch(/could not be started: no space left$/);
  expect(lab.engine.stopped).toEqual(["unseen"]);
  store.write = write;
  await lab.close();
});

test("a batch is removed with what was left to do for its end", async () => {
  const lab = await BatchLab.open();
  const made = await lab.create("ended");
  await lab.until("ended", "RUNNING");
  const { cloud } = lab.lab;
  const [{ key, run } = { key: "", run: {} }] = await listRuns(cloud);
  lab.engine.end("ended", { exitCode: 0 });
  await lab.operation(made);
  await waitFor(
    () => listRuns(cloud),
    (runs) => runs.length === 0,
  );
  await cloud.store.write({ put: { [key]: run } });
  await lab.lab.rest(`DELETE ${BATCHES}/ended`);
  expect(await listRuns(cloud)).toEqual([]);
  await lab.close();
});
