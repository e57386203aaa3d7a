/** Data sets, tables and who may use them. */
import { type Properties, text, type Value } from "../values";
import { isObject, isUnknown } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { absent } from "./http";
import { iamMember } from "./iam";
import { canChangeInPlace, sameSchema } from "./bigquery-schema";
import { fromAccess, toAccess } from "./bigquery-access";
import { sameIgnoringCase, toRest, type Shape } from "./shape";

const API = "https://bigquery.googleapis.com/bigquery/v2";
/** With it the service reads and writes conditional access, too. */
const ACCESS_VERSION = { accessPolicyVersion: "3" };

const project: Shape = { project: { type: "string", rest: false, computed: true, replaces: true } };
const datasetUrl = (inputs: Inputs) => `${API}/projects/${inputs.project}/datasets/${text(inputs.datasetId)}`;
const number = (place: string) => (resource: Properties) =>
  resource[place] === undefined ? undefined : Number(resource[place]);

const datasetShape: Shape = {
  ...project,
  datasetId: { type: "string", rest: "datasetReference.datasetId", required: true, replaces: true },
  location: { type: "string", replaces: true, default: "US", same: sameIgnoringCase },
  friendlyName: { type: "string" },
  description: { type: "string" },
  labels: { type: "map" },
  defaultTableExpirationMs: { type: "integer", int64: true },
  defaultPartitionExpirationMs: { type: "integer", int64: true },
  defaultCollation: { type: "string" },
  isCaseInsensitive: { type: "boolean", computed: true },
  maxTimeTravelHours: { type: "string", computed: true },
  storageBillingModel: { type: "string", computed: true },
  deleteContentsOnDestroy: { type: "boolean", rest: false, local: true, default: false },
};

const dataset: Descriptor = {
  type: "gcp:bigquery/dataset:Dataset",
  source: "bigquery.v2 datasets; google_bigquery_dataset",
  shape: datasetShape,
  outputs: {
    creationTime: number("creationTime"),
    lastModifiedTime: number("lastModifiedTime"),
    etag: "etag",
    selfLink: "selfLink",
  },
  labelled: true,
  hasDeletionPolicy: true,
  id: (inputs) => `projects/${inputs.project}/datasets/${text(inputs.datasetId)}`,
  create: ({ http }, inputs) =>
    http.call({
      method: "POST",
      url: `${API}/projects/${inputs.project}/datasets`,
      query: ACCESS_VERSION,
      body: toRest(datasetShape, inputs),
    }),
  read: ({ http }, inputs) => http.find(datasetUrl(inputs), ACCESS_VERSION),
  update: async ({ http }, { news }) => {
    // A PUT without access keeps the access list; what is left out otherwise is cleared.
    const { maxTimeTravelHours } = await http.call({ method: "GET", url: datasetUrl(news), query: ACCESS_VERSION });
    const body = {
      defaultCollation: "",
      friendlyName: "",
      ...(maxTimeTravelHours !== undefined && { maxTimeTravelHours }),
      ...toRest(datasetShape, news),
    };
    return http.call({ method: "PUT", url: datasetUrl(news), query: ACCESS_VERSION, body });
  },
  delete: async ({ http }, inputs) =>
    void (await http.remove(datasetUrl(inputs), { deleteContents: text(inputs.deleteContentsOnDestroy === true) })),
};

/** A connection is `project.location.id` or its full name. */
const connectionOf = (id: Value) =>
  text(id)
    .split(/[./]/)
    .filter((part) => !CONNECTION_WORDS.includes(part))
    .join(".");
const CONNECTION_WORDS = ["projects", "locations", "connections"];

const externalData: Shape = {
  autodetect: { type: "boolean", required: true },
  sourceFormat: { type: "string", computed: true, replaces: true },
  sourceUris: { type: "list", required: true },
  connectionId: { type: "string", same: (a, b) => connectionOf(a) === connectionOf(b) },
  compression: { type: "string", default: "NONE" },
  ignoreUnknownValues: { type: "boolean" },
  maxBadRecords: { type: "integer" },
  csvOptions: {
    type: "object",
    fields: {
      quote: { type: "string", required: true },
      skipLeadingRows: { type: "integer", int64: true, default: 0 },
      fieldDelimiter: { type: "string", default: "," },
      encoding: { type: "string", default: "UTF-8" },
      allowQuotedNewlines: { type: "boolean", default: false },
      allowJaggedRows: { type: "boolean", default: false },
    },
  },
};

const tableShape: Shape = {
  ...project,
  datasetId: { type: "string", rest: "tableReference.datasetId", required: true, replaces: true },
  tableId: { type: "string", rest: "tableReference.tableId", required: true, replaces: true },
  friendlyName: { type: "string" },
  description: { type: "string" },
  labels: { type: "map" },
  expirationTime: { type: "integer", int64: true, computed: true },
  schema: { type: "string", rest: false, computed: true, same: sameSchema },
  clusterings: { type: "list", rest: "clustering.fields" },
  requirePartitionFilter: { type: "boolean" },
  timePartitioning: {
    type: "object",
    fields: {
      type: { type: "string", required: true, allowed: ["DAY", "HOUR", "MONTH", "YEAR"] },
      field: { type: "string", replaces: true },
      expirationMs: { type: "integer", int64: true, computed: true },
      requirePartitionFilter: { type: "boolean" },
    },
  },
  rangePartitioning: {
    type: "object",
    fields: {
      field: { type: "string", required: true, replaces: true },
      range: {
        type: "object",
        required: true,
        fields: {
          start: { type: "integer", int64: true, required: true },
          end: { type: "integer", int64: true, required: true },
          interval: { type: "integer", int64: true, required: true },
        },
      },
    },
  },
  view: {
    type: "object",
    fields: { query: { type: "string", required: true }, useLegacySql: { type: "boolean", computed: true } },
  },
  externalDataConfiguration: { type: "object", fields: externalData },
  deletionProtection: { type: "boolean", rest: false, local: true, default: true },
};
const tableUrl = (inputs: Inputs) => `${datasetUrl(inputs)}/tables/${text(inputs.tableId)}`;

const table: Descriptor = {
  type: "gcp:bigquery/table:Table",
  source: "bigquery.v2 tables; google_bigquery_table",
  shape: tableShape,
  outputs: {
    creationTime: number("creationTime"),
    lastModifiedTime: number("lastModifiedTime"),
    numBytes: number("numBytes"),
    numLongTermBytes: number("numLongTermBytes"),
    numRows: number("numRows"),
    etag: "etag",
    location: "location",
    selfLink: "selfLink",
    type: "type",
    schema: tableSchema,
  },
  labelled: true,
  hasDeletionPolicy: true,
  deleteBeforeReplace: true,
  id: (inputs) => `projects/${inputs.project}/datasets/${text(inputs.datasetId)}/tables/${text(inputs.tableId)}`,
  replaces: (olds, news) => {
    const isFixed = news.schema !== undefined && !isUnknown(news.schema) && !canChangeInPlace(olds.schema, news.schema);
    const isMoved = ["timePartitioning", "rangePartitioning", "view", "externalDataConfiguration"].filter(
      (name) => isObject(olds[name]) !== isObject(news[name]),
    );
    return [...(isFixed ? ["schema"] : []), ...isMoved];
  },
  create: ({ http }, inputs) =>
    http.call({ method: "POST", url: `${datasetUrl(inputs)}/tables`, body: tableBody(inputs) }),
  read: ({ http }, inputs) => http.find(tableUrl(inputs)),
  update: ({ http }, { news }) => http.call({ method: "PUT", url: tableUrl(news), body: tableBody(news) }),
  refuseDelete: ({ deletionProtection }) =>
    deletionProtection === true ? "deletionProtection is true. Set it to false and run up first." : undefined,
  delete: async ({ http }, inputs) => void (await http.remove(tableUrl(inputs))),
};

function tableBody(inputs: Inputs): Properties {
  const { schema } = inputs;
  const body = toRest(tableShape, inputs);
  const reference = { ...(body.tableReference as Properties), projectId: inputs.project };
  return {
    ...body,
    tableReference: reference,
    ...(typeof schema === "string" && schema !== "" && { schema: { fields: JSON.parse(schema) as Value } }),
  };
}

/** The schema as the program wrote it while the service's says the same. */
function tableSchema(resource: Properties, inputs: Inputs): Value | undefined {
  const fields = isObject(resource.schema) ? resource.schema.fields : undefined;
  if (fields === undefined) return inputs.schema;
  const read = JSON.stringify(fields);
  return inputs.schema !== undefined && sameSchema(inputs.schema, read) ? inputs.schema : read;
}

const member = iamMember({
  type: "gcp:bigquery/datasetIamMember:DatasetIamMember",
  source: "bigquery.v2 datasets.patch (access); google_bigquery_dataset_iam_member",
  shape: { ...project, datasetId: { type: "string", rest: false, required: true, replaces: true } },
  resource: (inputs) => `projects/${inputs.project}/datasets/${text(inputs.datasetId)}`,
  get: async ({ http }, inputs) => {
    const found = await http.call({ method: "GET", url: datasetUrl(inputs), query: ACCESS_VERSION }).catch(absent);
    return found && { ...fromAccess((found.access ?? []) as Properties[]), etag: text(found.etag ?? "") };
  },
  set: async ({ http }, inputs, policy) => {
    const { etag } = policy;
    const body = { access: toAccess(policy) };
    const headers = etag ? { "if-match": etag } : undefined;
    const changed = await http.call({ method: "PATCH", url: datasetUrl(inputs), query: ACCESS_VERSION, body, headers });
    return { ...policy, etag: text(changed.etag ?? "") };
  },
});

export const BIGQUERY: readonly Descriptor[] = [dataset, table, member];
