/** Which run an order means, and the job that is submitted for it. Pure: the same order gives the same bytes. */
import { createHash } from "node:crypto";
import type { Order } from "./order";
import type { Settings } from "./settings";
import { parametersOf, type Spec } from "./spec";

export interface Submission {
  /** Id of run and pipeline job: from day, parameters and attempt, so that a repeated order is the same run. */
  id: string;
  /** Body of the request that creates the job. */
  job: Record<string, unknown>;
}

/** Parameters that every run gets of itself, where its pipeline has them. */
const OF_RUN = ["pipeline_id", "model_version", "execution_time"];
/** A run's id is in batch ids, of which it may take 42 characters. */
const LONGEST_NAME = 22;

export function submissionOf(spec: Spec, order: Order, settings: Settings): Submission {
  const chosen = parametersOf(spec, order, settings.parameters, OF_RUN);
  const id = [
    spec.name.slice(0, LONGEST_NAME),
    order.date.replaceAll("-", ""),
    hash({ chosen, spec: spec.document, ...(order.attempt > 1 && { attempt: order.attempt }) }),
  ].join("-");
  const ofRun = { pipeline_id: id, model_version: id, execution_time: `${order.date}T00:00:00Z` };
  const taken = Object.entries(ofRun).filter(([name]) => Object.hasOwn(spec.parameters, name));
  const job = {
    displayName: spec.name,
    labels: { pipeline: spec.name, date: order.date, attempt: String(order.attempt) },
    pipelineSpec: spec.document,
    runtimeConfig: { gcsOutputDirectory: settings.root, parameterValues: { ...Object.fromEntries(taken), ...chosen } },
    serviceAccount: settings.account,
  };
  return { id, job };
}

const hash = (value: unknown) =>
  createHash("sha256")
    .update(JSON.stringify(sorted(value)))
    .digest("hex")
    .slice(0, 10);

/** The order of names says nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}
