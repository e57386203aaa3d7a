/**
 * Google's own API descriptions (discovery documents) as the contract of the loopback cloud: which hosts exist, which
 * method a request means, which parameters and schemas it has. Read at run time from a folder, parsed when first asked.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PathTree } from "./contract-path";
import { StartError } from "../errors";

export interface Schema {
  $ref?: string;
  type?: "string" | "integer" | "number" | "boolean" | "object" | "array" | "any";
  format?: string;
  enum?: string[];
  pattern?: string;
  minimum?: string;
  maximum?: string;
  readOnly?: boolean;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  items?: Schema;
}

export interface Parameter extends Schema {
  location: "path" | "query";
  required?: boolean;
  repeated?: boolean;
  default?: string;
}

export interface Method {
  /** Discovery id, e.g. `dataproc.projects.locations.batches.create`. */
  id: string;
  api: Description;
  verb: string;
  /** Template without leading slash, service path included. */
  path: string;
  parameters: Record<string, Parameter>;
  request?: string;
  response?: string;
  upload: boolean;
  download: boolean;
}

/** One parsed discovery document. */
export interface Description {
  /** E.g. `dataproc.v1`. */
  name: string;
  parameters: Record<string, Parameter>;
  schemas: Record<string, Schema>;
  methods: Method[];
  tree: PathTree<{ method: Method; media: boolean }>;
}

export interface Route {
  method: Method;
  /** Decoded path parameters. */
  parameters: Record<string, string>;
  /** True for paths of media upload: the body is not JSON. */
  media: boolean;
}

export interface Contract {
  serves: (host: string) => boolean;
  route: (host: string, verb: string, path: string) => Route | undefined;
  /** Names of the documents that describe a host. */
  apisOf: (host: string) => string[];
  description: (name: string) => Description;
  /** First method with this id among the registered documents; `apis` narrows the search. */
  method: (id: string, apis?: readonly string[]) => Method | undefined;
}

/** What is known of a document without parsing it. */
interface Header {
  name: string;
  hosts: string[];
  servicePath: string;
}

/** @param apis names of documents, e.g. `dataproc.v1`; all must exist in `folder`. */
export function openContract(folder: string, apis: readonly string[]): Contract {
  const missing = apis.filter((name) => !existsSync(join(folder, `${name}.json`)));
  if (missing.length > 0) {
    throw new StartError(
      `API descriptions in ${folder}: missing ${missing.join(", ")}; expected <api>.<version>.json. Run npm start.`,
    );
  }
  const headers = apis.map((name) => readHeader(folder, name));
  const parsed = new Map<string, Description>();
  const description = (name: string): Description => {
    const known = parsed.get(name) ?? parseDescription(name, readFileSync(join(folder, `${name}.json`), "utf8"));
    parsed.set(name, known);
    return known;
  };
  const candidates = (host: string) => headers.filter((header) => isHostOf(header, host));
  return {
    serves: (host) => candidates(host).length > 0,
    description,
    apisOf: (host) => candidates(host).map(({ name }) => name),
    method: (id, among = apis) => {
      const prefix = id.split(".")[0];
      for (const name of among.filter((api) => api.split(".")[0] === prefix)) {
        const found = description(name).methods.find((method) => method.id === id);
        if (found) return found;
      }
      return undefined;
    },
    route: (host, verb, path) => {
      for (const header of candidates(host)) {
        if (!path.includes(`/${header.servicePath}`)) continue;
        const found = findRoute(description(header.name), verb, path.replace(/^\//, ""));
        if (found) return found;
      }
      return undefined;
    },
  };
}

/** Google's front ends accept one trailing slash (`…/batches/?batchId=`, `…/anywhereCaches/`). */
function findRoute(api: Description, verb: string, path: string): Route | undefined {
  const found = api.tree.find(verb, path) ?? (path.endsWith("/") ? api.tree.find(verb, path.slice(0, -1)) : undefined);
  return found && { ...found.target, parameters: found.parameters };
}

/** `us-central1-dataproc.googleapis.com` is a location of dataproc, `www.googleapis.com` the old host of older APIs. */
function isHostOf(header: Header, host: string): boolean {
  if (host === "www.googleapis.com") return header.servicePath !== "" || header.hosts.includes(host);
  const global = /^[a-z]+-[a-z]+\d+-(.+)$/.exec(host)?.[1];
  return header.hosts.includes(host) || (global !== undefined && header.hosts.includes(global));
}

/** Reads hosts and prefixes by text search: parsing a document of 5 MB only to learn its host would cost start-up time. */
function readHeader(folder: string, name: string): Header {
  const text = readFileSync(join(folder, `${name}.json`), "utf8");
  // By indexOf and not by an expression: the documents are large and this runs for each at every start.
  const field = (key: string): string | undefined => {
    const label = `"${key}": "`;
    const start = text.indexOf(label);
    return start < 0 ? undefined : text.slice(start + label.length, text.indexOf('"', start + label.length));
  };
  const rootUrl = field("rootUrl");
  if (rootUrl === undefined)
    throw new StartError(`API description ${join(folder, name)}.json: no rootUrl; expected a discovery document.`);
  const hosts = [rootUrl, ...[...text.matchAll(/"endpointUrl": "([^"]+)"/g)].map((match) => match[1]!)];
  return { name, hosts: hosts.map((url) => new URL(url).hostname), servicePath: field("servicePath") ?? "" };
}

interface RawMethod {
  id: string;
  httpMethod: string;
  path: string;
  parameters?: Record<string, Parameter>;
  request?: { $ref: string };
  response?: { $ref: string };
  supportsMediaDownload?: boolean;
  mediaUpload?: { protocols: Record<string, { path: string }> };
}
interface RawResource {
  methods?: Record<string, RawMethod>;
  resources?: Record<string, RawResource>;
}
interface RawDescription extends RawResource {
  servicePath: string;
  parameters: Record<string, Parameter>;
  schemas: Record<string, Schema>;
}

function parseDescription(name: string, text: string): Description {
  const raw = slim(JSON.parse(text)) as RawDescription;
  const api: Description = {
    name,
    parameters: raw.parameters,
    schemas: raw.schemas,
    methods: [],
    tree: new PathTree(),
  };
  for (const method of collectMethods(raw)) addMethod(api, raw.servicePath, method);
  return api;
}

function addMethod(api: Description, servicePath: string, raw: RawMethod): void {
  const method: Method = {
    id: raw.id,
    api,
    verb: raw.httpMethod,
    path: servicePath + raw.path,
    parameters: raw.parameters ?? {},
    request: raw.request?.$ref,
    response: raw.response?.$ref,
    upload: raw.mediaUpload !== undefined,
    download: raw.supportsMediaDownload === true,
  };
  api.methods.push(method);
  const patterns = Object.fromEntries(Object.entries(method.parameters).map(([key, { pattern }]) => [key, pattern]));
  const add = (path: string, media: boolean) =>
    api.tree.add({ path, verb: method.verb, patterns, target: { method, media } });
  add(method.path, false);
  for (const { path } of Object.values(raw.mediaUpload?.protocols ?? {})) add(path.slice(1), true);
}

function collectMethods(resource: RawResource): RawMethod[] {
  return [
    ...Object.values(resource.methods ?? {}),
    ...Object.values(resource.resources ?? {}).flatMap((child) => collectMethods(child)),
  ];
}

/** Drops the prose, which is most of a document, but keeps the fact that a field is output only. */
function slim(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(slim);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(
    ([key, item]) => !(PROSE.has(key) && (typeof item === "string" || Array.isArray(item))),
  );
  const slimmed: Record<string, unknown> = Object.fromEntries(entries.map(([key, item]) => [key, slim(item)]));
  const prose = (value as { description?: unknown }).description;
  if (typeof prose === "string" && /^\[?output[ -]only/i.test(prose)) slimmed.readOnly = true;
  return slimmed;
}
const PROSE = new Set(["description", "enumDescriptions", "scopes"]);
