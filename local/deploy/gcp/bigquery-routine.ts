/** Routines of BigQuery: procedures that run Spark, functions in SQL. */
import { type Properties, text } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { toRest, type Shape } from "./shape";

const API = "https://bigquery.googleapis.com/bigquery/v2";
const plain: Shape[string] = { type: "string" };
const list: Shape[string] = { type: "list", computed: true };

const shape: Shape = {
  project: { type: "string", rest: false, computed: true, replaces: true },
  datasetId: { type: "string", rest: "routineReference.datasetId", required: true, replaces: true },
  routineId: { type: "string", rest: "routineReference.routineId", required: true, replaces: true },
  routineType: {
    type: "string",
    required: true,
    replaces: true,
    allowed: ["SCALAR_FUNCTION", "PROCEDURE", "TABLE_VALUED_FUNCTION"],
  },
  language: { type: "string", computed: true, allowed: ["SQL", "JAVASCRIPT", "PYTHON", "JAVA", "SCALA"] },
  // A procedure whose program lies in a bucket has an empty body, which is not sent.
  definitionBody: { type: "string", required: true },
  description: plain,
  arguments: {
    type: "list",
    fields: { name: plain, argumentKind: plain, mode: plain, dataType: { type: "string", json: true } },
  },
  importedLibraries: { type: "list" },
  determinismLevel: plain,
  securityMode: plain,
  sparkOptions: {
    type: "object",
    fields: {
      connection: plain,
      runtimeVersion: plain,
      containerImage: plain,
      mainFileUri: plain,
      mainClass: plain,
      properties: { type: "map", computed: true },
      pyFileUris: list,
      jarUris: list,
      fileUris: list,
      archiveUris: list,
    },
  },
};

const collection = (inputs: Inputs) => `${API}/projects/${inputs.project}/datasets/${text(inputs.datasetId)}/routines`;
const url = (inputs: Inputs) => `${collection(inputs)}/${text(inputs.routineId)}`;

function body(inputs: Inputs): Properties {
  const { definitionBody, ...rest } = toRest(shape, inputs);
  const reference = { ...(rest.routineReference as Properties), projectId: inputs.project };
  return { ...rest, routineReference: reference, ...(definitionBody !== "" && { definitionBody: definitionBody! }) };
}

const read = (found: Properties): Properties => ({ definitionBody: "", ...found });
const milliseconds = (place: string) => (resource: Properties) =>
  resource[place] === undefined ? undefined : Number(resource[place]);

const routine: Descriptor = {
  type: "gcp:bigquery/routine:Routine",
  source: "bigquery.v2 routines; google_bigquery_routine",
  shape,
  outputs: { creationTime: milliseconds("creationTime"), lastModifiedTime: milliseconds("lastModifiedTime") },
  hasDeletionPolicy: true,
  id: (inputs) => `projects/${inputs.project}/datasets/${text(inputs.datasetId)}/routines/${text(inputs.routineId)}`,
  create: async ({ http }, inputs) =>
    read(await http.call({ method: "POST", url: collection(inputs), body: body(inputs) })),
  read: async ({ http }, inputs) => {
    const found = await http.find(url(inputs));
    return found && read(found);
  },
  update: async ({ http }, { news }) => read(await http.call({ method: "PUT", url: url(news), body: body(news) })),
  delete: async ({ http }, inputs) => void (await http.remove(url(inputs))),
};

export const BIGQUERY_ROUTINE: readonly Descriptor[] = [routine];
