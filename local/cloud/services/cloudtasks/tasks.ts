/** Tasks of a queue: HTTP requests that wait for their turn. A name that was used stays taken for an hour. */
import { randomUUID } from "node:crypto";
import type { Cloud } from "../../cloud";
import { pageOf } from "../../engine/list";
import { readResource } from "../../engine/resource";
import { ApiError, invalid } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Behaviour, Call, Json, JsonObject } from "../../service";
import { secondsOf } from "../delivery/durations";
import { changeQueue, queues } from "./queues";

/** What is stored of a task: the task as FULL view shows it, and when its next attempt is due. */
export interface Stored extends JsonObject {
  task: JsonObject;
  dueAt: string;
}

export const taskKey = (name: string) => `cloudtasks/tasks/${name}`;
export const tombstoneKey = (name: string) => `cloudtasks/used/${name}`;
/** Source: field name of Task: "can take up to 9 days"; names of finished tasks are free again after about an hour. */
const USED_MS = 3600 * 1000;
const SCHEDULABLE_MS = 30 * 24 * 3600 * 1000;

export function taskMethods(wake: (cloud: Cloud) => void): Record<string, Behaviour> {
  const T = "cloudtasks.projects.locations.queues.tasks";
  return {
    [`${T}.create`]: async (call, cloud) => {
      const task = await create(call, cloud);
      wake(cloud);
      return view(task, call.body.responseView);
    },
    [`${T}.get`]: async (call, cloud) => view((await read(call.path.name ?? "", cloud)).task, call.query.responseView),
    [`${T}.list`]: list,
    [`${T}.delete`]: async (call, cloud) => {
      const name = call.path.name ?? "";
      await inTurn(name, cloud, () => cloud.store.write({ put: used(name, cloud), delete: [taskKey(name)] }));
      return {};
    },
    [`${T}.run`]: async (call, cloud) => {
      const name = call.path.name ?? "";
      const task = await inTurn(name, cloud, async (stored) => {
        const forced: Stored = { ...stored, dueAt: cloud.now().toISOString(), forced: true };
        await cloud.store.write({ put: { [taskKey(name)]: forced } });
        return stored.task;
      });
      wake(cloud);
      return view(task, call.body.responseView);
    },
    "cloudtasks.projects.locations.queues.purge": async (call, cloud) => {
      const name = call.path.name ?? "";
      const queue = await changeQueue(call, cloud, () => ({ purgeTime: cloud.now().toISOString() }));
      for (const { key } of await cloud.store.list(taskKey(`${name}/tasks/`)))
        await cloud.store.exclusive(key, () => cloud.store.write({ delete: [key] }));
      return queue;
    },
  };
}

/** A change of a task in turn with the end of its dispatch, which would bring back what was deleted meanwhile. */
const inTurn = <T>(name: string, cloud: Cloud, change: (stored: Stored) => Promise<T>): Promise<T> =>
  cloud.store.exclusive(taskKey(name), async () => change(await read(name, cloud)));

/** Keys that keep a task's name from being used again for a while. */
export const used = (name: string, cloud: Cloud): Record<string, JsonObject> => ({
  [tombstoneKey(name)]: { until: new Date(cloud.now().getTime() + USED_MS).toISOString() },
});

async function read(name: string, cloud: Cloud): Promise<Stored> {
  const stored = await cloud.store.get(taskKey(name));
  if (!stored)
    throw new ApiError(
      "NOT_FOUND",
      "The task no longer exists, though a task with this name existed recently or never.",
    );
  return stored as Stored;
}

async function create(call: Call, cloud: Cloud): Promise<JsonObject> {
  const parent = call.path.parent ?? "";
  await readResource(queues, parent, cloud);
  const sent = isObject(call.body.task) ? call.body.task : {};
  const name = textOf(sent.name) || `${parent}/tasks/${BigInt(`0x${randomUUID().replaceAll("-", "").slice(0, 15)}`)}`;
  if (!name.startsWith(`${parent}/tasks/`) || !/^[\w-]{1,500}$/.test(name.slice(`${parent}/tasks/`.length)))
    throw invalid(`Task.name: got '${name}'; expected ${parent}/tasks/<letters, digits, - and _>.`);
  const now = cloud.now();
  const scheduleTime = textOf(sent.scheduleTime) || now.toISOString();
  if (Date.parse(scheduleTime) - now.getTime() > SCHEDULABLE_MS)
    throw invalid("Task.scheduleTime: must be within 30 days.");
  const httpRequest = await checkRequest(sent, call, cloud);
  const task: JsonObject = {
    ...{ name, httpRequest, scheduleTime, createTime: now.toISOString() },
    dispatchDeadline: textOf(sent.dispatchDeadline) || "600s",
    ...{ dispatchCount: 0, responseCount: 0, view: "FULL" },
  };
  return cloud.store.exclusive(taskKey(name), async () => {
    const tombstone = await cloud.store.get(tombstoneKey(name));
    const isUsed = tombstone && Date.parse(textOf(tombstone.until)) > now.getTime();
    if (isUsed || (await cloud.store.get(taskKey(name))))
      throw new ApiError(
        "ALREADY_EXISTS",
        "The task cannot be created because a task with this name existed too recently.",
      );
    await cloud.store.write({ put: { [taskKey(name)]: { task, dueAt: scheduleTime } } });
    return task;
  });
}

async function checkRequest(
  task: JsonObject,
  { principal, methodId: method }: Call,
  cloud: Cloud,
): Promise<JsonObject> {
  if (task.appEngineHttpRequest)
    throw new ApiError("UNIMPLEMENTED", "Tasks for App Engine are not served by this cloud.");
  if (!isObject(task.httpRequest)) throw invalid("Task.httpRequest: got none; expected the request of the task.");
  const url = textOf(task.httpRequest.url);
  if (!/^https?:\/\/[^/]+/.test(url))
    throw invalid(`Task.httpRequest.url: got '${url}'; expected an http or https URL.`);
  const seconds = secondsOf(task.dispatchDeadline);
  if (seconds !== undefined && (seconds < 15 || seconds > 1800))
    throw invalid("Task.dispatchDeadline: expected 15s to 1800s.");
  const token = task.httpRequest.oidcToken ?? task.httpRequest.oauthToken;
  if (isObject(token)) {
    const email = textOf(token.serviceAccountEmail);
    const account = `projects/${cloud.project.id}/serviceAccounts/${email}`;
    const ask = {
      principal,
      permission: "iam.serviceAccounts.actAs",
      resource: `//iam.googleapis.com/${account}`,
      method,
    };
    if (!(await cloud.access.permits(ask)) || !(await cloud.store.get(account)))
      throw new ApiError(
        "PERMISSION_DENIED",
        `The principal lacks IAM permission "iam.serviceAccounts.actAs" for the resource "${email}" (or it may not exist).`,
      );
  }
  return { httpMethod: "POST", ...task.httpRequest };
}

/** The BASIC view, which is the default, leaves the body out. */
function view(task: JsonObject, asked: Json | undefined): JsonObject {
  if (asked === "FULL") return task;
  const { body: _, ...httpRequest } = task.httpRequest as JsonObject;
  return { ...task, httpRequest, view: "BASIC" };
}

async function list(call: Call, cloud: Cloud): Promise<Json> {
  const parent = call.path.parent ?? "";
  await readResource(queues, parent, cloud);
  const all = await cloud.store.list(taskKey(`${parent}/tasks/`));
  const shown = all.map(({ key, value }) => ({ key, value: view((value as Stored).task, call.query.responseView) }));
  const { items, nextPageToken } = pageOf(shown, call);
  return { ...(items.length > 0 && { tasks: items }), ...(nextPageToken && { nextPageToken }) };
}
