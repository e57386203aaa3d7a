/** Queues of Cloud Tasks: rates and retries with Google's defaults, paused and resumed by methods of their own. */
import type { Cloud } from "../../cloud";
import { readResource } from "../../engine/resource";
import { ApiError, invalid } from "../../errors";
import { isObject } from "../../json";
import type { Behaviour, Call, Hook, Json, JsonObject, ResourceType } from "../../service";
import { checkDuration } from "../delivery/durations";

const check: Hook = ({ next }) => {
  const unserved = ["appEngineRoutingOverride", "httpTarget"].filter((field) => next[field]);
  if (unserved.length > 0)
    throw new ApiError("UNIMPLEMENTED", `Queues with ${unserved.join(", ")} are not served by this cloud.`);
  const { maxDispatchesPerSecond, maxConcurrentDispatches } = (next.rateLimits ?? {}) as JsonObject;
  if (Number(maxDispatchesPerSecond) <= 0 || Number(maxDispatchesPerSecond) > 500)
    throw invalid(
      `rateLimits.maxDispatchesPerSecond: got ${Number(maxDispatchesPerSecond)}; expected more than 0, up to 500.`,
    );
  if (Number(maxConcurrentDispatches) < 1 || Number(maxConcurrentDispatches) > 5000)
    throw invalid(`rateLimits.maxConcurrentDispatches: got ${Number(maxConcurrentDispatches)}; expected 1 to 5000.`);
  const retries = (next.retryConfig ?? {}) as JsonObject;
  for (const field of ["minBackoff", "maxBackoff"]) checkDuration(`retryConfig.${field}`, retries[field], 0, 3600);
};

/** Source: fields of RateLimits and RetryConfig. */
const RATES: JsonObject = { maxDispatchesPerSecond: 500, maxConcurrentDispatches: 1000 };
const RETRIES: JsonObject = { maxAttempts: 100, minBackoff: "0.100s", maxBackoff: "3600s", maxDoublings: 16 };

/** A change of one limit leaves the others at their defaults, as on Google Cloud. */
const complete: Hook = (change) => {
  change.next.rateLimits = { ...RATES, ...(isObject(change.next.rateLimits) && change.next.rateLimits) };
  change.next.retryConfig = { ...RETRIES, ...(isObject(change.next.retryConfig) && change.next.retryConfig) };
  const perSecond = Number(change.next.rateLimits.maxDispatchesPerSecond);
  change.next.rateLimits.maxBurstSize = Math.max(10, Math.ceil(perSecond / 5));
  return check(change);
};

export const queues: ResourceType = {
  collection: "cloudtasks.projects.locations.queues",
  schema: "Queue",
  listField: "queues",
  name: "projects/{project}/locations/{location}/queues/{queue}",
  id: { bodyName: true },
  idPattern: /^[A-Za-z0-9-]{1,100}$/,
  required: ["name"],
  serverSet: { state: () => "RUNNING" },
  messages: { missing: () => "Queue does not exist.", exists: () => "Queue already exists" },
  policy: true,
  before: { create: complete, patch: complete },
  source: "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues",
};

export const queueMethods: Record<string, Behaviour> = {
  "cloudtasks.projects.locations.queues.pause": (call, cloud) => changeQueue(call, cloud, () => ({ state: "PAUSED" })),
  "cloudtasks.projects.locations.queues.resume": (call, cloud) =>
    changeQueue(call, cloud, () => ({ state: "RUNNING" })),
};

export function changeQueue(call: Call, cloud: Cloud, edit: (queue: JsonObject) => JsonObject): Promise<Json> {
  const name = call.path.name ?? "";
  return cloud.store.exclusive(name, async () => {
    const current = await readResource(queues, name, cloud);
    const next = { ...current, ...edit(current) };
    await cloud.store.write({ put: { [name]: next } });
    return next;
  });
}
