/** Batches of a notebook through the API surface: what the engine is asked to execute, and what it needs for it. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { JsonObject } from "../../service";
import { batch, BatchLab } from "./testing";
import { text } from "./workload-rules";

let lab: BatchLab;
beforeEach(async () => {
  lab = await BatchLab.open();
});
afterEach(() => lab.close());

function ofNotebook(pysparkNotebookBatch: JsonObject): JsonObject {
  const { pysparkBatch: _program, ...rest } = batch();
  return { ...rest, pysparkNotebookBatch };
}

test("a batch of a notebook is executed with its parameters, and kept beside the driver's output", async () => {
  const notebook = { notebookFileUri: "gs://lab/lessons/one.ipynb", params: { day: "1" } };
  await lab.create("book", ofNotebook({ ...notebook, pythonFileUris: ["gs://lab/x.zip"] }));
  const { runtimeInfo } = await lab.until("book", "RUNNING");
  expect(lab.engine.submitted[0]).toMatchObject({
    id: "book",
    notebookFileUri: "gs://lab/lessons/one.ipynb",
    parameters: { day: "1" },
    pythonFileUris: ["gs://lab/x.zip"],
    executedUri: text((runtimeInfo as JsonObject).outputUri).replace(/driveroutput$/, "one.ipynb"),
  });
});

test("a batch of a notebook needs Jupyter, and says how it comes", async () => {
  lab.engine.problems.session = "Jupyter is not installed. npx sparklab notebook";
  const refused = await lab.refused(ofNotebook({ notebookFileUri: "gs://lab/one.ipynb" }));
  expect(refused).toBe("FAILED_PRECONDITION: Jupyter is not installed. npx sparklab notebook");
});
