/** Tabular data sets of Vertex AI: a named reference to a table or to files, which pipelines register what they train on as. */
import { badRequest } from "../../contract/validate";
import { isObject, textOf } from "../../json";
import type { Hook, JsonObject, ResourceType } from "../../service";

const TABULAR = /\/schema\/dataset\/metadata\/tabular_1\.0\.0\.yaml$/;

export const datasetType = (version: "v1" | "v1beta1"): ResourceType => ({
  collection: "aiplatform.projects.locations.datasets",
  schema: `GoogleCloudAiplatform${version === "v1" ? "V1" : "V1beta1"}Dataset`,
  listField: "datasets",
  name: "projects/{project}/locations/{location}/datasets/{id}",
  id: { server: "number" },
  required: ["displayName", "metadataSchemaUri", "metadata"],
  immutable: ["metadataSchemaUri", "encryptionSpec"],
  operations: {
    ...{ create: true, delete: true },
    responseType: `google.cloud.aiplatform.${version}.Dataset`,
  },
  policy: true,
  before: { create: checkSource },
  source: "https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.datasets",
});

const inputOf = ({ metadata }: JsonObject): JsonObject => {
  const config = isObject(metadata) ? metadata.inputConfig : undefined;
  return isObject(config) ? config : {};
};

const checkSource: Hook = ({ next }) => {
  const found: { field: string; description: string }[] = [];
  if (!TABULAR.test(textOf(next.metadataSchemaUri))) {
    const description = `got '${textOf(next.metadataSchemaUri)}'; only tabular data sets are kept here.`;
    found.push({ field: "dataset.metadata_schema_uri", description });
  }
  const { bigquerySource, gcsSource } = inputOf(next);
  const table = isObject(bigquerySource) ? textOf(bigquerySource.uri) : undefined;
  if (table !== undefined && !/^bq:\/\/[^.]+\.[^.]+\.[^.]+$/.test(table))
    found.push({ field: "dataset.metadata", description: `got '${table}'; expected bq://project.dataset.table.` });
  const files = isObject(gcsSource) ? ((gcsSource.uri ?? []) as string[]) : [];
  for (const file of files.filter((uri) => !/^gs:\/\/[^/]+\/.+/.test(uri)))
    found.push({ field: "dataset.metadata", description: `got '${file}'; expected gs://bucket/object.` });
  if (found.length > 0) throw badRequest(found);
  const labels = isObject(next.labels) ? next.labels : {};
  next.labels = { ...labels, "aiplatform.googleapis.com/dataset_metadata_schema": "TABULAR" };
};
