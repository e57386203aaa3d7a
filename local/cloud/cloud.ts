/** What behaviours may use: the state, the clock, operations, policies, principals and the engines. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Call, Json, JsonObject, Principal } from "./service";
import type { DoorSettings, Engines } from "../engines/interface";

export interface Cloud {
  /** The project that the lab lives in. Resource names may carry the id or the number; both resolve here. */
  project: { id: string; number: string };
  /** Folder of the cloud's state: `<root>/cloud`. */
  folder: string;
  /** Folder with Google's API descriptions (discovery documents). */
  descriptions: string;
  store: Store;
  operations: Operations;
  policies: Policies;
  /** Who has which permission where; every method is asked before it runs. */
  access: Access;
  principals: Principals;
  engines: Engines;
  /** Resolves once the door is open: where the programs behind the cloud find it. */
  door: Promise<DoorSettings>;
  /** Current time; tests of ttl and expiry inject theirs. */
  now: () => Date;
  log: {
    info: (o: object, msg: string) => void;
    warn: (o: object, msg: string) => void;
    error: (o: object, msg: string) => void;
  };
  /** Calls another method of this cloud in process, as `principal`, through the same checks as any client. */
  call: (request: { methodId: string } & Partial<Call>, principal: Principal) => Promise<Json>;
}

/** Ordered key-value state; each write is one atomic, durable (synced) batch before the promise resolves. */
export interface Store {
  get: (key: string) => Promise<JsonObject | undefined>;
  /** Entries whose key starts with `prefix`, in key order, after `startAfter` if given, at most `limit`. */
  list: (
    prefix: string,
    options?: { startAfter?: string; limit?: number },
  ) => Promise<{ key: string; value: JsonObject }[]>;
  write: (changes: { put?: Record<string, JsonObject>; delete?: readonly string[] }) => Promise<void>;
  /** Runs `work` while no other holder of the same key runs; get-check-write sequences go inside. Not reentrant. */
  exclusive: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  close: () => Promise<void>;
}

export interface Operations {
  /** A finished operation, not stored beyond its record; `name` is `<parent>/operations/<id>`. */
  done: (args: DoneArgs) => Promise<JsonObject>;
  /** The same with the changes that store it: written together with what it reports. */
  prepareDone: (args: DoneArgs) => { operation: JsonObject; put: Record<string, JsonObject> };
  /** A pending operation, durable; finish it later with `finish` or `fail`. */
  start: (args: { parent: string; id?: string; metadata: JsonObject; call: Call }) => Promise<JsonObject>;
  update: (name: string, metadata: JsonObject) => Promise<void>;
  finish: (name: string, response: JsonObject, metadata?: JsonObject) => Promise<void>;
  fail: (name: string, error: { code: number; message: string }, metadata?: JsonObject) => Promise<void>;
  get: (name: string) => Promise<JsonObject>;
  /** Operations of an API under a parent (`` for bare names), in key order. */
  list: (api: string, parent: string) => Promise<JsonObject[]>;
  /** Resolves with the operation when it is done, or as it is when the time is over. */
  wait: (name: string, milliseconds: number) => Promise<JsonObject>;
  remove: (name: string) => Promise<void>;
}

export interface DoneArgs {
  parent: string;
  metadata?: JsonObject;
  response: JsonObject;
  call: Call;
}

export interface Policies {
  get: (resource: string) => Promise<JsonObject>;
  /** Checks the etag (409 ABORTED when stale) and stores; members and roles are validated. */
  set: (resource: string, policy: JsonObject) => Promise<JsonObject>;
  /** Those of `permissions` that the principal has on the resource through any role on it, its parents or the project. */
  permitted: (
    principal: Principal,
    permissions: readonly string[],
    resource: string,
    /** Bindings in force there besides those of policies. */
    more?: readonly Binding[],
  ) => Promise<string[]>;
  /** Rewrites a member in every policy (a deleted account becomes `deleted:…?uid=`, and back). */
  renameMember: (from: string, to: string) => Promise<void>;
}

export interface Binding extends JsonObject {
  role: string;
  members: string[];
}

export interface Access {
  permits: (ask: Ask) => Promise<boolean>;
  /** Throws Google's 403 unless permitted. */
  require: (ask: Ask) => Promise<void>;
}

export interface Ask {
  principal: Principal;
  permission: string;
  /** Full resource name, e.g. `//storage.googleapis.com/projects/_/buckets/b`. */
  resource: string;
  /** Method that asks, or what else does. */
  method: string;
}

export interface Principals {
  /** Resolves `Authorization`; throws UNAUTHENTICATED. `host` is where it was sent: a self-signed JWT is bound to it. */
  resolve: (authorization: string | undefined, host?: string) => Promise<Principal>;
  /** Access token for a principal, valid `seconds` (default 3600), with the scope cloud-platform if none is named. */
  accessToken: (
    principal: Principal,
    seconds?: number,
    scopes?: readonly string[],
  ) => { token: string; expiresIn: number };
  /** OIDC identity token, signed by the lab's key, as iamcredentials and the metadata server give. */
  identityToken: (
    principal: Principal,
    audience: string,
    options?: { includeEmail?: boolean; useEmailAzp?: boolean },
  ) => Promise<string>;
  /** Who an identity token speaks for, and whom it was made for; throws UNAUTHENTICATED. */
  readIdentityToken: (token: string) => { principal: Principal; audience: string };
  /** RSA-SHA256 signature by the key that the cloud manages for its service accounts (signBlob, signJwt). */
  sign: (data: Buffer) => { keyId: string; signature: Buffer };
  /**
   * Starts a metadata server on loopback for one workload; `host` is `127.0.0.1:<port>`. A workload that outlives a
   * restart of the cloud gets its server back on the same `port`.
   */
  metadataServer: (serviceAccount: string, port?: number) => Promise<{ host: string; close: () => Promise<void> }>;
}

/** The API surface behind the door: routes by host, verb and path, checks against the description, runs, answers. */
export interface Api {
  /** True if some service's description names this host (global, regional or `www.googleapis.com`). */
  serves: (host: string) => boolean;
  /** Discovery id of the method that a request means, for the request log; undefined when none is described. */
  methodId?: (request: { host: string; verb: string; path: string }) => string | undefined;
  /** Serves one HTTP request, media and streams included; writes the response, Google's error body on failure. */
  http: (host: string, request: IncomingMessage, response: ServerResponse, principal: Principal) => Promise<void>;
  /** Serves one JSON request in process (gRPC transcoding, calls between services); throws ApiError. */
  rest: (
    request: { host: string; verb: string; path: string; query?: Record<string, string | string[]>; body?: JsonObject },
    principal: Principal,
  ) => Promise<Json>;
}
