/**
 * A session as Dataproc stores and shows it: made of its template and its request, and the operations that change it.
 * Pure. Source: SessionController in google/cloud/dataproc/v1/sessions.proto.
 */
import { join } from "node:path";
import type { Cloud } from "../../cloud";
import type { Json, JsonObject } from "../../service";
import { executionOf, isSet, objectAt, propertiesOf, text } from "./workload-rules";

export type SessionState = "CREATING" | "ACTIVE" | "TERMINATING" | "TERMINATED" | "FAILED";
export const hasEnded = (state: Json | undefined) => state === "TERMINATED" || state === "FAILED";

/** Without others a session lives a day and may be idle for an hour. */
const DEFAULTS = { ttl: "86400s", idleTtl: "3600s" };

/** What is stored of a session that has not ended: enough to go on after a restart of the cloud. */
export interface SessionRun extends JsonObject {
  session: string;
  uuid: string;
  account: string;
  bucket: string;
  /** Port of the session's metadata server; 0 until it has one. */
  port: number;
  warnings: string[];
  /** Pending operations, by what they wait for. */
  create: string;
  end: string[];
  /** Whether the session is to be removed when it has ended. */
  remove: boolean;
}

const PREFIX = "dataproc/session-runs/";
export const sessionRunKey = (uuid: string) => `${PREFIX}${uuid}`;
export const listSessionRuns = async (cloud: Cloud) =>
  (await cloud.store.list(PREFIX)).map(({ value }) => value as SessionRun);
export const sessionFolder = (cloud: Cloud, uuid: string) => join(cloud.folder, "sessions", uuid);

/** The request over its template: what both have is the request's, properties one by one. */
export function withTemplate(sent: JsonObject, template: JsonObject | undefined): JsonObject {
  if (!template) return sent;
  const { jupyterSession, sparkConnectSession, runtimeConfig, environmentConfig, labels, name } = template;
  const kinds =
    "jupyterSession" in sent || "sparkConnectSession" in sent ? {} : { jupyterSession, sparkConnectSession };
  const below = { ...kinds, runtimeConfig, environmentConfig, labels };
  const present = Object.fromEntries(Object.entries(below).filter(([, value]) => isSet(value))) as JsonObject;
  return { ...merged(present, sent), sessionTemplate: name! };
}

function merged(below: JsonObject, above: JsonObject): JsonObject {
  const both = Object.entries(above).map(([key, value]): [string, Json] => {
    const under = below[key];
    return [key, isMap(under) && isMap(value) ? merged(under, value) : value];
  });
  return { ...below, ...Object.fromEntries(both) };
}

const isMap = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export interface NewSession {
  config: JsonObject;
  name: string;
  uuid: string;
  creator: string;
  now: string;
  version: string;
}

export function newSession({ config, name, uuid, creator, now, version }: NewSession): JsonObject {
  const [, , , location = "", , id = ""] = name.split("/");
  const environment = objectAt(config, "environmentConfig");
  const execution = executionOf(config);
  const network: JsonObject =
    isSet(execution.networkUri) || isSet(execution.subnetworkUri) ? {} : { subnetworkUri: "default" };
  return {
    ...config,
    ...{ name, uuid, creator, createTime: now, user: isSet(config.user) ? config.user! : creator },
    labels: {
      ...objectAt(config, "labels"),
      "goog-dataproc-session-id": id,
      "goog-dataproc-session-uuid": uuid,
      "goog-dataproc-location": location,
    },
    runtimeConfig: { ...objectAt(config, "runtimeConfig"), version, properties: propertiesOf(config) },
    environmentConfig: { ...environment, executionConfig: { ...DEFAULTS, ...network, ...execution } },
    state: "CREATING",
    stateTime: now,
  };
}

export function sessionOperation(
  session: JsonObject,
  type: "CREATE" | "TERMINATE" | "DELETE",
  times: { createTime: string; doneTime?: string },
  warnings: readonly string[] = [],
): JsonObject {
  return {
    "@type": "type.googleapis.com/google.cloud.dataproc.v1.SessionOperationMetadata",
    session: text(session.name),
    sessionUuid: text(session.uuid),
    ...times,
    operationType: type,
    description: `${type[0]}${type.slice(1).toLowerCase()} session`,
    labels: objectAt(session, "labels"),
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

export const sessionAnswer = (session: JsonObject): JsonObject => ({
  "@type": "type.googleapis.com/google.cloud.dataproc.v1.Session",
  ...session,
});
