/** The end of the cloud while a batch begins, and while one ends. */
import { expect, test } from "@jest/globals";
import { listRuns } from "./batch-runs";
import { BatchLab, waitFor } from "./testing";

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
