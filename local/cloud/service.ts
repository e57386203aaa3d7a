/**
 * What one Google API does beyond storing: the shape of every file in services/.
 *
 * Paths, methods, parameters and schemas come from Google's own API descriptions (contract.ts); creating, getting,
 * listing, patching, deleting, long-running operations and IAM policies are generic (engine.ts). A service file holds
 * the reviewed tables of its resource types and the behaviour of its custom methods, nothing else.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server as GrpcServer } from "@grpc/grpc-js";
import type { Api, Binding, Cloud } from "./cloud";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Who is calling. `email` is the IAM identity; `via` says by which credential it was proven. */
export interface Principal {
  kind: "user" | "serviceAccount" | "anonymous";
  email: string;
  via: "accessToken" | "serviceAccountKey" | "impersonation" | "metadataServer" | "none";
}

/** One request, already routed and checked against Google's description of the method. */
export interface Call {
  /** Discovery id of the method, e.g. `dataproc.projects.locations.batches.create`. */
  methodId: string;
  /** Host that the client asked for, e.g. `us-central1-dataproc.googleapis.com`. */
  host: string;
  /** Path parameters, decoded, keyed as in the description (`name`, `parent`, `bucket`, `object`). */
  path: Record<string, string>;
  /** Query parameters, decoded; repeated ones joined into arrays where the description says `repeated`. */
  query: Record<string, string | string[]>;
  /** JSON body, `{}` when there is none. Undefined for media uploads: read `http.request`. */
  body: JsonObject;
  principal: Principal;
  /** Set when the call came over HTTP (gRPC calls are transcoded and have none); media handlers stream through it. */
  http?: { request: IncomingMessage; response: ServerResponse };
}

/**
 * Behaviour of one method. Returns the JSON answer, or `HANDLED` after having written `call.http.response` itself.
 * Errors are thrown as `ApiError`.
 */
export type Behaviour = (call: Call, cloud: Cloud) => Promise<Json | typeof HANDLED>;
export const HANDLED = Symbol("response already written");

/** One reviewed row per resource type. Field paths are dotted JSON names of the description's schema. */
export interface ResourceType {
  /** Discovery collection, e.g. `dataproc.projects.locations.sessionTemplates`. */
  collection: string;
  /** Schema name in the description, e.g. `SessionTemplate`. */
  schema: string;
  /** Name of the array field in list answers, e.g. `sessionTemplates`. */
  listField: string;
  /**
   * Full resource name, e.g. `projects/{project}/locations/{location}/sessionTemplates/{id}`; also the storage key.
   */
  name: string;
  /** Put before the name to make the storage key, where two APIs have equal names (`…/services/x`: run, metastore). */
  keyPrefix?: string;
  /**
   * Where the id comes from: a query parameter, the last segment of the body's `name`, a body field, the name in the path
   * (what is made by PUT), or the server.
   */
  id:
    | { query: string; otherwise?: "number" }
    | { bodyName: true }
    | { body: string }
    | { path: true }
    | { server: "uuid" | "number" };
  /** Pattern that an id must match. */
  idPattern?: RegExp;
  /** Makes the name's last segment of the id where they differ (an account's id and its email). */
  segment?: (id: string, cloud: Cloud) => string;
  /** Resolves other ways to write a name (wildcard project, unique id) to the stored one. */
  alias?: (name: string, cloud: Cloud) => Promise<string>;
  /** Google's own wording, where its clients show it. */
  messages?: { missing?: (name: string) => string; exists?: (name: string) => string };
  required?: readonly string[];
  immutable?: readonly string[];
  defaults?: Readonly<Record<string, Json>>;
  /** Output-only fields computed at create, those in `always` at each update too. */
  serverSet?: Readonly<Record<string, ServerSet | { always: ServerSet }>>;
  /**
   * Whether create, patch and delete answer a long-running operation. `form` makes the finished one where it is not
   * google.longrunning's (Compute), with the keys that store it.
   */
  operations?: {
    create?: boolean;
    patch?: boolean;
    delete?: boolean;
    responseType: string;
    metadataType?: string;
    form?: OperationForm;
  };
  /** Adds what follows from other resources, each time the resource is answered by get or list. */
  view?: (resource: JsonObject, cloud: Cloud) => Promise<JsonObject>;
  /** Update masks are written from the request: `policy.spec` for the spec of a policy. */
  maskPrefix?: string;
  /** What lies below the resource goes with it; otherwise it hinders the deletion. */
  cascades?: true;
  /** True if the type has an IAM policy of its own. */
  policy?: boolean;
  /** Checks and side effects around the generic behaviour; throw ApiError to refuse. */
  before?: { create?: Hook; patch?: Hook; delete?: Hook };
  after?: { create?: Hook; patch?: Hook; delete?: Hook };
  /** Where Google documents the rules of this row. */
  source: string;
}

export type OperationForm = (change: {
  verb: "create" | "patch" | "delete";
  name: string;
  resource: JsonObject;
  call: Call;
  cloud: Cloud;
}) => { answer: JsonObject; put: Record<string, JsonObject> };

export type ServerSet = (context: ServerSetContext) => Json;

export interface ServerSetContext {
  resource: JsonObject;
  call: Call;
  cloud: Cloud;
  now: string;
  on: "create" | "patch";
}

/** `current` is the stored resource (undefined before create), `next` what will be stored; hooks may change `next`. */
export type Hook = (change: {
  current?: JsonObject;
  next: JsonObject;
  call: Call;
  cloud: Cloud;
}) => Promise<void> | void;

/** An HTTP request to a host of the service that no described method matches (media upload paths count as described). */
export interface Undescribed {
  host: string;
  principal: Principal;
  http: { request: IncomingMessage; response: ServerResponse };
  /** The API surface, for requests that carry others (batch endpoints). */
  api: Api;
}

/** What answers at the addresses of running services (`*.run.app`). */
export interface Addresses {
  serves: (host: string) => boolean;
  /** Writes the response; gives what was called and by whom for the request log. Errors are thrown as `ApiError`. */
  http: (
    host: string,
    http: { request: IncomingMessage; response: ServerResponse },
    cloud: Cloud,
  ) => Promise<{ method: string; principal: Principal }>;
}

export interface Service {
  /** Discovery document that describes this API, e.g. `dataproc.v1`. A service may list several versions. */
  apis: readonly string[];
  types: readonly ResourceType[];
  /** Behaviour by discovery method id; goes before the generic engine. */
  methods: Readonly<Record<string, Behaviour>>;
  /**
   * Fields of request bodies and query parameters, by method, that Google takes and its own clients send, though no
   * description lists them. Parameters among them change nothing here.
   */
  unlisted?: Readonly<Record<string, readonly string[]>>;
  /** Methods whose body is no message but bytes (google.api.HttpBody): they read `http.request` themselves. */
  raw?: readonly string[];
  /**
   * gRPC services whose unary methods are transcoded to this API's REST methods by their `google.api.http` annotations.
   * `protos` is the npm package that ships them as JSON (`build/protos/protos.json`). `resourceName` turns another way to
   * write a name or parent, which Google takes over gRPC too, into the one that the REST paths have.
   */
  transcoded?: { protos: string; services: readonly string[]; resourceName?: (name: string) => string };
  /** Hosts of this service that no description names: gRPC alone is spoken there. */
  grpcHosts?: readonly string[];
  /** gRPC methods that cannot be transcoded (streams): adds implementations to the door's in-process gRPC server. */
  grpc?: (server: GrpcServer, cloud: Cloud) => void;
  /**
   * Paths outside the description: the follow-up requests of a resumable upload (PUT and DELETE on the upload path),
   * `/download/...`, XML paths, `/batch/...`. Asked before answering 404; true if it has written the response. Errors are
   * thrown as `ApiError`.
   */
  undescribed?: (request: Undescribed, cloud: Cloud) => Promise<boolean>;
  /** Hosts that are no API: addresses of what runs behind this service, with their own check of who calls. */
  addresses?: Addresses;
  /** Bindings in force on a resource that are in no IAM policy (access lists of data sets). */
  bindings?: (resource: string, cloud: Cloud) => Promise<readonly Binding[]>;
  /** Called once at start, before the door opens: bring back or fail what a dead process left half done. */
  recover?: (cloud: Cloud) => Promise<void>;
  /** Called at shutdown: stop child processes. */
  close?: (cloud: Cloud) => Promise<void>;
}
