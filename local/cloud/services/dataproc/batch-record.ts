/**
 * A batch as Dataproc stores and shows it: what the service adds at creation, and the changes of its state. Pure.
 *
 * Which fields the service fills, the form of properties, labels and messages: observed answers of the service.
 */
import type { SparkResources } from "../../../engines/interface";
import type { Json, JsonObject } from "../../service";
import { executionOf, isSet, objectAt, propertiesOf, text } from "./workload-rules";

export type State = "PENDING" | "RUNNING" | "CANCELLING" | "CANCELLED" | "SUCCEEDED" | "FAILED";
export const isTerminal = (state: Json | undefined) => ["CANCELLED", "SUCCEEDED", "FAILED"].includes(text(state));

/** Since runtime 2.1 a batch without ttl ends after 4 hours. */
const DEFAULT_TTL = "14400s";

export interface NewBatch {
  sent: JsonObject;
  project: string;
  location: string;
  /** @default "batches" */
  collection?: string;
  id: string;
  uuid: string;
  operation: string;
  creator: string;
  now: string;
  version: string;
  resources: SparkResources;
}

export function newBatch(args: NewBatch): JsonObject {
  const { sent, project, location, collection = "batches", id, uuid, now } = args;
  const name = `projects/${project}/locations/${location}/${collection}/${id}`;
  const environment = objectAt(sent, "environmentConfig");
  const execution = executionOf(sent);
  const network: JsonObject =
    isSet(execution.networkUri) || isSet(execution.subnetworkUri) ? {} : { subnetworkUri: "default" };
  return {
    ...sent,
    name,
    uuid,
    createTime: now,
    creator: args.creator,
    operation: args.operation,
    labels: {
      ...objectAt(sent, "labels"),
      "goog-dataproc-batch-id": id,
      "goog-dataproc-batch-uuid": uuid,
      "goog-dataproc-drz-resource-uuid": `batch-${uuid}`,
      "goog-dataproc-location": location,
    },
    runtimeConfig: {
      ...objectAt(sent, "runtimeConfig"),
      version: args.version,
      properties: resolvedProperties(sent, name, args.resources),
    },
    environmentConfig: {
      ...environment,
      executionConfig: { ...execution, ...network, ttl: execution.ttl ?? DEFAULT_TTL },
      peripheralsConfig: { sparkHistoryServerConfig: {}, ...objectAt(environment, "peripheralsConfig") },
    },
    state: "PENDING",
    stateTime: now,
  };
}

/** The properties that were sent, as they were sent, and the sizes that the workload really gets. */
function resolvedProperties(sent: JsonObject, name: string, { cores, heapMb }: SparkResources): JsonObject {
  const asked = propertiesOf(sent);
  const given: Record<string, string> = {
    "spark:spark.app.name": name,
    "spark:spark.master": `local[${cores}]`,
    "spark:spark.driver.memory": `${heapMb}m`,
  };
  const silent = Object.entries(given).filter(([key]) => !(key.slice("spark:".length) in asked));
  return { ...Object.fromEntries(silent), ...asked };
}

/** The next state, of a batch or a session; the one that is left goes to the history. */
export function withState(batch: JsonObject, state: string, now: string, message?: string): JsonObject {
  const { stateMessage, ...rest } = batch;
  const left: JsonObject = {
    state: batch.state ?? null,
    stateStartTime: batch.stateTime ?? null,
    ...(isSet(stateMessage) && { stateMessage: stateMessage ?? null }),
  };
  return {
    ...rest,
    state,
    stateTime: now,
    ...(message !== undefined && { stateMessage: message }),
    stateHistory: [...((batch.stateHistory ?? []) as Json[]), left],
  };
}

export const withRuntimeInfo = (batch: JsonObject, info: JsonObject): JsonObject => ({
  ...batch,
  runtimeInfo: { ...objectAt(batch, "runtimeInfo"), ...info },
});

/** Metadata of the operation that creates, that is runs, a batch. */
export function operationMetadata(batch: JsonObject, warnings: readonly string[], doneTime?: string): JsonObject {
  return {
    "@type": "type.googleapis.com/google.cloud.dataproc.v1.BatchOperationMetadata",
    batch: batch.name ?? null,
    batchUuid: batch.uuid ?? null,
    createTime: batch.createTime ?? null,
    ...(doneTime !== undefined && { doneTime }),
    operationType: "BATCH",
    description: "Batch",
    labels: objectAt(batch, "labels"),
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

/** What a request asked for and will not get, as the operation's warnings. */
export function warningsOf(sent: JsonObject, resources: SparkResources, version: string): string[] {
  const inert = Object.keys(propertiesOf(sent)).filter((key) => /^(dataproc:)?dataproc\./.test(key));
  return [
    ...(isSet(objectAt(sent, "runtimeConfig").version)
      ? []
      : [
          `No runtime version specified. Using the default runtime version ${version}. It is recommended to select a specific ` +
            "major.minor runtime version in production, as the default runtime version may change at any time.",
        ]),
    ...resources.reduced,
    ...inert.map((key) => `Property ${key} has no effect on one machine.`),
  ];
}
