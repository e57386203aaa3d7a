/** The end of the cloud while a driver is being started. */
import { expect, test } from "@jest/globals";
import { BatchLab } from "./testing";

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
