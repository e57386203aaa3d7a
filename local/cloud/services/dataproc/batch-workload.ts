/** A stored batch as the engine runs it: a Python program, or a notebook from top to bottom. */
import type { Engines, SparkRun, SparkWorkload } from "../../../engines/interface";
import type { JsonObject } from "../../service";
import { outputUri } from "./batch-output";
import type { Run } from "./batch-runs";
import { imageInterpreter, isSet, objectAt, propertiesOf, text } from "./workload-rules";

type Place = Pick<SparkWorkload, "folder" | "metadataHost" | "door">;

/** Starts the driver of a batch. */
export function submit(batch: JsonObject, run: Run, place: Place, engines: Engines): Promise<SparkRun> {
  if (isSet(batch.pysparkNotebookBatch)) {
    const notebook = objectAt(batch, "pysparkNotebookBatch");
    const notebookFileUri = text(notebook.notebookFileUri);
    const parameters = objectAt(notebook, "params") as Record<string, string>;
    const more = { notebookFileUri, parameters, executedUri: executedUri(run, notebookFileUri) };
    return engines.sessions.execute({ ...common(batch, notebook, place), ...more });
  }
  const pyspark = objectAt(batch, "pysparkBatch");
  return engines.spark.submit({
    ...common(batch, pyspark, place),
    ...imageInterpreter(batch, engines),
    mainPythonFileUri: text(pyspark.mainPythonFileUri),
    args: listAt(pyspark, "args"),
  });
}

/** Beside the driver's output. The API's description does not say where the service leaves an executed notebook. */
const executedUri = ({ bucket, uuid }: Run, notebook: string) =>
  `${outputUri(bucket, uuid).replace(/[^/]+$/, "")}${notebook.split("/").at(-1)}`;

function common(batch: JsonObject, work: JsonObject, place: Place) {
  return {
    ...place,
    id: text(batch.name).split("/").at(-1)!,
    pythonFileUris: listAt(work, "pythonFileUris"),
    jarFileUris: listAt(work, "jarFileUris"),
    fileUris: listAt(work, "fileUris"),
    archiveUris: listAt(work, "archiveUris"),
    properties: propertiesOf(batch),
  };
}

const listAt = (work: JsonObject, field: string) => (work[field] ?? []) as string[];
