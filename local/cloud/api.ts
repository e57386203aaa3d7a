/**
 * The API surface behind the front door: finds the method that a request means, checks it against Google's description,
 * runs the service's behaviour or the generic one, checks the answer, answers.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { authorize } from "./access/authorize";
import type { Api, Cloud } from "./cloud";
import { openContract, type Contract, type Method, type Route } from "./contract/contract";
import { genericBehaviour } from "./engine/engine";
import { selectFields } from "./engine/fields";
import { ApiError, diskFault } from "./errors";
import { localPath, localQuery } from "./api-project";
import { readJson, refuse, verbOf, writeJson } from "./api-http";
import {
  HANDLED,
  type Behaviour,
  type Call,
  type Json,
  type JsonObject,
  type Principal,
  type ResourceType,
  type Service,
} from "./service";
import { answerViolations, checkRequest, recordViolations, type Query } from "./contract/validate";

export interface ApiOptions {
  services: readonly Service[];
  cloud: Cloud;
  /** Folder with Google's API descriptions, `<api>.<version>.json`. */
  descriptions: string;
}

export interface KernelApi extends Api {
  /** What `Cloud.call` does: calls a method in process by its id, with the checks of any client. */
  call: Cloud["call"];
}

interface Surface extends ApiOptions {
  contract: Contract;
  /** Service by document name. */
  owners: ReadonlyMap<string, Service>;
  /** Of all services. */
  types: readonly ResourceType[];
}

export function createApi(options: ApiOptions): KernelApi {
  const owners = new Map(options.services.flatMap((service) => service.apis.map((name) => [name, service] as const)));
  const contract = openContract(options.descriptions, [...owners.keys()]);
  const surface: Surface = { ...options, owners, contract, types: options.services.flatMap(({ types }) => types) };
  const api: KernelApi = {
    serves: (host) => contract.serves(host) || options.services.some(({ grpcHosts }) => grpcHosts?.includes(host)),
    methodId: (request) => methodIdOf(contract, request),
    rest: async ({ host, verb, path, query = {}, body }, principal) => {
      const { pathname, query: inPath } = splitUrl(path);
      const route = contract.route(host, verb, pathname) ?? unknown(pathname);
      const answer = await dispatch(surface, route, { host, query: { ...inPath, ...query }, body, principal });
      return answer === HANDLED ? {} : answer;
    },
    call: async ({ methodId, host = "", path = {}, query = {}, body }, principal) => {
      const method = contract.method(methodId);
      if (!method) throw new Error(`call of ${methodId}: no registered API description has this method.`);
      const answer = await dispatch(
        surface,
        { method, parameters: path, media: false },
        { host, query, body, principal },
      );
      return answer === HANDLED ? {} : answer;
    },
    http: (host, request, response, principal) => serve(surface, api, { host, request, response, principal }),
  };
  return api;
}

/** For logs: a path that is refused for its escapes means no method. */
function methodIdOf(contract: Contract, { host, verb, path }: { host: string; verb: string; path: string }) {
  try {
    return routeOf(contract, host, verb, splitUrl(path).pathname)?.method.id;
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

/** HEAD is GET whose body stays away. */
const routeOf = (contract: Contract, host: string, verb: string, path: string) =>
  contract.route(host, verb === "HEAD" ? "GET" : verb, path);

interface Exchange {
  host: string;
  request: IncomingMessage;
  response: ServerResponse;
  principal: Principal;
}

async function serve(surface: Surface, api: Api, { host, request, response, principal }: Exchange): Promise<void> {
  const verb = verbOf(request);
  const { pathname, query } = splitUrl(request.url ?? "/");
  let route: Route | undefined;
  try {
    route = routeOf(surface.contract, host, verb, pathname);
    if (verb === "OPTIONS") response.writeHead(204, { allow: "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS" }).end();
    else if (route) await serveRoute(surface, route, query, { host, request, response, principal });
    else if (!(await serveUndescribed(surface, api, { host, request, response, principal }))) unknown(pathname);
  } catch (error) {
    const refusal = asRefusal(error, request);
    const level = refusal.status === "CANCELLED" ? "info" : "error";
    if (refusal !== error)
      surface.cloud.log[level]({ err: error, methodId: route?.method.id, path: pathname }, "request failed");
    refuse(response, refusal, route?.method.api.name);
  }
}

/** What the client hears: refusals as they are, a fault inside without its text, nothing if it went away itself. */
function asRefusal(error: unknown, request: IncomingMessage): ApiError {
  if (error instanceof ApiError) return error;
  const full = diskFault(error);
  if (full) return full;
  if (request.destroyed && !request.complete) return new ApiError("CANCELLED", "The client closed the connection.");
  return new ApiError("INTERNAL", "Internal error encountered.", [], 500, "backendError");
}

async function serveRoute(surface: Surface, route: Route, query: Query, exchange: Exchange): Promise<void> {
  const { host, request, response, principal } = exchange;
  const { method } = route;
  const isRaw = surface.owners.get(method.api.name)?.raw?.includes(method.id) ?? false;
  const media = route.media || isRaw;
  const body = media ? undefined : await readJson(request);
  const answer = await dispatch(
    surface,
    { ...route, media },
    { host, query, body, principal, http: { request, response } },
  );
  if (answer !== HANDLED) writeJson(response, method.response ? answer : undefined, query);
}

/** Paths that the description does not list, offered to the services of this host. */
async function serveUndescribed(
  surface: Surface,
  api: Api,
  { host, request, response, principal }: Exchange,
): Promise<boolean> {
  const services = new Set(surface.contract.apisOf(host).map((name) => surface.owners.get(name)));
  for (const service of services) {
    if (await service?.undescribed?.({ host, principal, http: { request, response }, api }, surface.cloud)) return true;
  }
  return false;
}

type Incoming = Pick<Call, "host" | "principal" | "http"> & { query: Query; body?: JsonObject };

async function dispatch(
  surface: Surface,
  { method, parameters, media }: Route,
  incoming: Incoming,
): Promise<Json | typeof HANDLED> {
  const { cloud } = surface;
  const unlisted = surface.owners.get(method.api.name)?.unlisted?.[method.id] ?? [];
  const isUnlisted = ([name]: [string, Json]) => unlisted.includes(name);
  const sent = Object.entries(incoming.body ?? {});
  const body = incoming.body && Object.fromEntries(sent.filter((field) => !isUnlisted(field)));
  const query = Object.fromEntries(Object.entries(incoming.query).filter(([name]) => !unlisted.includes(name)));
  const checked = checkRequest(method, { path: parameters, query, body, media });
  const call: Call = {
    ...{ methodId: method.id, host: incoming.host, principal: incoming.principal },
    body: { ...checked.body, ...Object.fromEntries(sent.filter(isUnlisted)) },
    path: localPath(method, parameters, cloud.project),
    query: localQuery(method, checked.query, cloud.project),
    ...(incoming.http && { http: incoming.http }),
  };
  const behaviour = behaviourOf(surface, method);
  await authorize(method, call, cloud);
  const answer = await behaviour(call, cloud);
  if (answer === HANDLED) return HANDLED;
  const violations = answerViolations(method, answer);
  if (violations.length > 0) {
    recordViolations(cloud.folder, method.id, violations, cloud.now());
    cloud.log.error({ methodId: method.id, violations }, "answer breaks Google's API description");
  }
  const fields = checked.query.fields;
  return typeof fields === "string" && fields !== ""
    ? selectFields(method.api, method.response, answer, fields)
    : answer;
}

function behaviourOf({ owners, types }: Surface, method: Method): Behaviour {
  const service = owners.get(method.api.name)!;
  const own = Object.hasOwn(service.methods, method.id) ? service.methods[method.id] : undefined;
  const behaviour = own ?? genericBehaviour(method, service, types);
  if (behaviour) return behaviour;
  const message = `Method ${method.id} is described by Google's API but not implemented by this cloud.`;
  throw new ApiError("UNIMPLEMENTED", message);
}

function splitUrl(url: string): { pathname: string; query: Query } {
  const cut = url.indexOf("?");
  const query: Query = {};
  for (const [key, value] of new URLSearchParams(cut < 0 ? "" : url.slice(cut + 1))) {
    const known = query[key];
    query[key] = known === undefined ? value : [...(Array.isArray(known) ? known : [known]), value];
  }
  return { pathname: cut < 0 ? url : url.slice(0, cut), query };
}

function unknown(path: string): never {
  throw new ApiError("NOT_FOUND", `The requested URL ${path} was not found on this server.`, [], 404, "notFound");
}
