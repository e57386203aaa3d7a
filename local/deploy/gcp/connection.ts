/** Connections of BigQuery to Spark and to Cloud Storage, and who may use them. */
import { type Properties, text, type Value } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { toRest, type Shape } from "./shape";
import { inLocation, PLACE, policyMember, standard } from "./standard";

const API = "https://bigqueryconnection.googleapis.com/v1";
const made: Shape[string] = { type: "string", computed: true, output: true };

const shape: Shape = {
  ...PLACE,
  connectionId: { type: "string", rest: false, required: true, replaces: true },
  friendlyName: { type: "string" },
  description: { type: "string" },
  kmsKeyName: { type: "string" },
  cloudResource: { type: "object", fields: { serviceAccountId: made } },
  spark: {
    type: "object",
    fields: {
      serviceAccountId: made,
      metastoreServiceConfig: { type: "object", fields: { metastoreService: { type: "string" } } },
      sparkHistoryServerConfig: { type: "object", fields: { dataprocCluster: { type: "string" } } },
    },
  },
};

const name = (inputs: Inputs) => `${inLocation(inputs)}/connections/${bare(inputs.connectionId ?? "")}`;
const bare = (id: Value) => text(id).split("/").at(-1) ?? "";

const connection: Descriptor = standard({
  type: "gcp:bigquery/connection:Connection",
  source: "bigqueryconnection.v1 projects.locations.connections; google_bigquery_connection",
  api: API,
  shape,
  name,
  idParameter: "connectionId",
  outputs: { name: "name", hasCredential: "hasCredential" },
  planned: (inputs) => ({ name: name(inputs) }),
  hasDeletionPolicy: true,
  autoName: { property: "connectionId", length: 255 },
  body: (inputs): Properties => ({ cloudResource: null, spark: null, ...toRest(shape, inputs) }),
  check: (inputs) => {
    const kinds = ["cloudResource", "spark"].filter((kind) => inputs[kind] !== undefined);
    const got = kinds.length === 0 ? "neither" : "both";
    return kinds.length === 1
      ? []
      : [{ property: "spark", reason: `got ${got}; expected one of cloudResource, spark` }];
  },
  replaces: (olds, news) => ["cloudResource", "spark"].filter((kind) => kind in olds !== kind in news),
});

const member: Descriptor = policyMember({
  type: "gcp:bigquery/connectionIamMember:ConnectionIamMember",
  source: "bigqueryconnection.v1 connections.setIamPolicy; google_bigquery_connection_iam_member",
  shape: {
    ...PLACE,
    connectionId: { type: "string", rest: false, required: true, replaces: true, same: (a, b) => bare(a) === bare(b) },
  },
  resource: name,
  url: (inputs) => `${API}/${name(inputs)}`,
  read: "POST",
});

export const BIGQUERY_CONNECTION: readonly Descriptor[] = [connection, member];
