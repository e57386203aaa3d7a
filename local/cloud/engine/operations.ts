/** Long-running operations: google.longrunning records, durable, under the names that clients poll. */
import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import type { DoneArgs, Operations, Store } from "../cloud";
import { textOf } from "../json";
import { ApiError, STATUS } from "../errors";
import type { Call, JsonObject } from "../service";

/** What is stored of an operation: the record that clients see, and which API it belongs to. */
export interface StoredOperation extends JsonObject {
  api: string;
  operation: JsonObject;
}

export const operationKey = (name: string) => `operations/${name}`;

/** `<parent>/operations/<id>`; APIs without a parent in their operations (serviceusage) pass an empty one. */
export const operationName = (parent: string, id: string) =>
  parent === "" ? `operations/${id}` : `${parent}/operations/${id}`;

export function createOperations(store: Store): Operations {
  const finished = new EventEmitter();
  finished.setMaxListeners(0);

  const read = async (name: string): Promise<StoredOperation> => {
    const stored = await store.get(operationKey(name));
    if (!stored) throw new ApiError("NOT_FOUND", `Operation not found: ${name}`);
    return stored as StoredOperation;
  };

  /** Changes a pending operation; what is done stays as it is. */
  const change = (name: string, next: (current: JsonObject) => JsonObject) =>
    store.exclusive(operationKey(name), async () => {
      const stored = await read(name);
      if (stored.operation.done === true)
        throw new ApiError("FAILED_PRECONDITION", `Operation ${name} is already done.`);
      const operation = next(stored.operation);
      await store.write({ put: { [operationKey(name)]: { ...stored, operation } } });
      if (operation.done === true) finished.emit(name);
    });

  const prepareDone = ({ parent, metadata, response, call }: DoneArgs) => {
    const operation: JsonObject = {
      name: operationName(parent, randomUUID()),
      ...(metadata && { metadata }),
      done: true,
      response,
    };
    return { operation, put: { [operationKey(textOf(operation.name))]: stored(call, operation) } };
  };

  return {
    prepareDone,
    done: async (args) => {
      const { operation, put } = prepareDone(args);
      await store.write({ put });
      return operation;
    },
    start: async ({ parent, id = randomUUID(), metadata, call }) => {
      const operation: JsonObject = { name: operationName(parent, id), metadata, done: false };
      await store.write({ put: { [operationKey(textOf(operation.name))]: stored(call, operation) } });
      return operation;
    },
    update: (name, metadata) => change(name, (current) => ({ ...current, metadata })),
    finish: (name, response, metadata) =>
      change(name, (current) => ({ ...current, ...(metadata && { metadata }), done: true, response })),
    fail: (name, error, metadata) =>
      change(name, (current) => ({ ...current, ...(metadata && { metadata }), done: true, error: { ...error } })),
    get: async (name) => (await read(name)).operation,
    list: async (api, parent) => {
      const entries = await store.list(operationKey(operationName(parent, "")));
      return entries.filter(({ value }) => value.api === api).map(({ value }) => (value as StoredOperation).operation);
    },
    wait: (name, milliseconds) => waitFor(finished, name, milliseconds, async () => (await read(name)).operation),
    remove: (name) =>
      store.exclusive(operationKey(name), async () => {
        await read(name);
        await store.write({ delete: [operationKey(name)] });
      }),
  };
}

const stored = (call: Call, operation: JsonObject): StoredOperation => ({
  api: call.methodId.split(".")[0] ?? "",
  operation,
});

async function waitFor(
  finished: EventEmitter,
  name: string,
  milliseconds: number,
  read: () => Promise<JsonObject>,
): Promise<JsonObject> {
  const timeout = AbortSignal.timeout(milliseconds);
  // Listen before reading: an operation that ends in between is not missed.
  const event = once(finished, name, { signal: timeout }).catch((error: unknown) => {
    if (!timeout.aborted) throw error;
  });
  const current = await read();
  if (current.done === true) return current;
  await event;
  return read();
}

/** An ApiError as an operation's `error`. */
export const operationError = (error: ApiError) => ({ code: STATUS[error.status].grpc, message: error.message });
