/**
 * gRPC methods whose REST twin is served already: each unary method of a service's protos becomes one REST request by
 * its `google.api.http` annotation, so that both protocols have one behaviour. `google.longrunning.Operations` and
 * `google.iam.v1.IAMPolicy` have the same methods on every host and are answered for the host that is asked.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { handleUnaryCall, MethodDefinition, Server } from "@grpc/grpc-js";
import { fromProto3JSON, toProto3JSON } from "proto3-json-serializer";
import { Message, Root, type IMethod, type INamespace, type IService, type Method, type Type } from "protobufjs";
import { ApiError } from "../errors";
import { principalOf } from "./grpc";
import { httpRules, toRest, type HttpRule, type RestRequest } from "./http-rule";
import { commonProtos, toServiceError } from "./status";
import type { Api, Cloud } from "../cloud";
import type { JsonObject, Service } from "../service";

export interface TranscodingDeps {
  api: Api;
  log: Cloud["log"];
}

/** What the protos of one package say about an API. */
interface Described {
  /** Read when the first call needs it: the larger packages take half a second. */
  root: () => Root;
  json: INamespace;
  /** Host of the API, e.g. `dataproc.googleapis.com`; regional hosts end with it. */
  host: string;
  /** First segment of its REST paths, e.g. `v1`. */
  version: string;
}

/** Adds the transcoded methods of all services to the door's gRPC server. */
export function addTranscoded(server: Server, services: readonly Service[], deps: TranscodingDeps): void {
  const described = services.flatMap(({ transcoded }) => (transcoded ? addService(server, transcoded, deps) : []));
  if (described.length > 0) addCommon(server, described, deps);
}

type Transcoded = NonNullable<Service["transcoded"]>;

function addService(server: Server, transcoded: Transcoded, deps: TranscodingDeps): Described[] {
  const { protos, services, resourceName } = transcoded;
  const json = JSON.parse(readFileSync(protosFile(protos), "utf8")) as INamespace;
  let made: Root | undefined;
  const root = () => (made ??= resolved(json));
  return services.map((name) => {
    const described = serviceIn(json, name);
    const entries = unaryMethods(described).map(([method, { parsedOptions }]) => ({
      method,
      rules: httpRules(parsedOptions),
    }));
    const host = described?.options?.["(google.api.default_host)"] as string | undefined;
    const version = entries[0]?.rules[0]?.template.split("/")[1];
    if (!host || !version) throw new Error(`${name} in ${protos}: has no host or no google.api.http annotation`);
    const found = entries.map(({ method, rules }): Unary => {
      const withTypes = () => methodIn(root(), name, method);
      return {
        name: method,
        method: withTypes,
        answerType: () => withTypes().resolvedResponseType!,
        rest: (message) => toRest(rules, renamed(message, resourceName)),
      };
    });
    add(server, name, found, deps);
    return { root, json, host, version };
  });
}

function renamed(message: JsonObject, resourceName: Transcoded["resourceName"]): JsonObject {
  if (!resourceName) return message;
  const names = ["name", "parent"].flatMap((field) => {
    const value = message[field];
    return typeof value === "string" ? [[field, resourceName(value)] as const] : [];
  });
  return { ...message, ...Object.fromEntries(names) };
}

function resolved(json: INamespace): Root {
  const root = Root.fromJSON(json);
  root.resolveAll();
  return root;
}

/** A service as the JSON of its package has it, before its messages are read. */
function serviceIn(json: INamespace, name: string): IService | undefined {
  let at: { nested?: INamespace["nested"] } | undefined = json;
  for (const part of name.split(".")) at = at?.nested?.[part] as typeof at;
  return at as IService | undefined;
}

type DescribedMethod = IMethod & { parsedOptions?: Record<string, unknown>[] };
const unaryMethods = (service: IService | undefined) =>
  Object.entries(service?.methods ?? {}).filter(
    ([, { requestStream, responseStream }]) => !requestStream && !responseStream,
  ) as [string, DescribedMethod][];

const methodIn = (root: Root, service: string, method: string) =>
  root.lookupService(service).methods[method]!.resolve() as Method;

/** Found from the package's entry: some packages do not export the file, so that it cannot be resolved by its name. */
export function protosFile(name: string): string {
  const folder = join("node_modules", name);
  const entry = require.resolve(name);
  return join(entry.slice(0, entry.lastIndexOf(folder)), folder, "build", "protos", "protos.json");
}

/** Methods that every API has: their annotations name no API's paths, so the paths are made for the host. */
function addCommon(server: Server, described: readonly Described[], deps: TranscodingDeps): void {
  const of = (host: string) => {
    const found = described.find((api) => host === api.host || host.endsWith(`-${api.host}`));
    if (!found) throw new ApiError("UNIMPLEMENTED", `${host} has no methods of this service.`);
    return found;
  };
  // APIs without long-running operations do not bring the service.
  const common: Common = (name, method, rest) => ({
    ...{ name, method },
    answerType: (host) => ownType(method(), of(host)),
    rest: (message, host) => rest(of(host).version, message),
  });
  add(server, OPERATIONS_SERVICE, operationMethods(described, common), deps);
  add(server, POLICY_SERVICE, policyMethods(common), deps);
}

type Common = (
  name: string,
  method: () => Method,
  rest: (version: string, message: JsonObject) => RestRequest,
) => Unary;

/** APIs without long-running operations do not bring the service; any that does has the same. */
function operationMethods(described: readonly Described[], common: Common): Unary[] {
  const bringer = described.find(({ json }) => serviceIn(json, OPERATIONS_SERVICE));
  return unaryMethods(bringer && serviceIn(bringer.json, OPERATIONS_SERVICE)).map(([name]) => {
    const [verb, suffix = "", body] = OPERATIONS[name]!;
    const rules = (version: string) => [rule(verb, `/${version}/{name=**}${suffix}`, body)];
    const method = () => methodIn(bringer!.root(), OPERATIONS_SERVICE, name);
    return common(name, method, (version, message) => toRest(rules(version), message));
  });
}

function policyMethods(common: Common): Unary[] {
  return commonProtos("iam_service")
    .lookupService(POLICY_SERVICE)
    .methodsArray.map((method) => {
      const verb = method.name[0]!.toLowerCase() + method.name.slice(1);
      const rules = (version: string) => [rule("POST", `/${version}/{resource=**}:${verb}`, "*")];
      const withTypes = () => method.resolve() as Method;
      return common(method.name, withTypes, (version, message) => toRest(rules(version), message));
    });
}

/** Only the asked API's own protos know the messages inside its operations. */
function ownType(method: Method, { root }: Described): Type {
  const type = method.resolvedResponseType!;
  return type.fullName.startsWith(".google.longrunning.") ? root().lookupType(type.fullName) : type;
}

const OPERATIONS_SERVICE = "google.longrunning.Operations";
const POLICY_SERVICE = "google.iam.v1.IAMPolicy";
const OPERATIONS: Readonly<Record<string, readonly [verb: string, suffix?: string, body?: string]>> = {
  ListOperations: ["GET"],
  GetOperation: ["GET"],
  DeleteOperation: ["DELETE"],
  CancelOperation: ["POST", ":cancel", "*"],
  WaitOperation: ["POST", ":wait", "*"],
};
const rule = (verb: string, template: string, body?: string): HttpRule => ({ verb, template, body });

interface Unary {
  name: string;
  /** With its types. */
  method: () => Method;
  answerType: (host: string) => Type;
  rest: (message: JsonObject, host: string) => RestRequest;
}

function add(server: Server, serviceName: string, methods: readonly Unary[], { api, log }: TranscodingDeps): void {
  const definition: Record<string, MethodDefinition<Message, Message>> = {};
  const implementation: Record<string, handleUnaryCall<Message, Message>> = {};
  for (const { name, method, answerType, rest } of methods) {
    const path = `/${serviceName}/${name}`;
    const encode = (message: Message) => Buffer.from(message.$type.encode(message).finish());
    const decode = (bytes: Buffer) => method().resolvedRequestType!.decode(bytes);
    definition[name] = {
      ...{ path, requestStream: false, responseStream: false },
      ...{ requestSerialize: encode, requestDeserialize: decode },
      ...{ responseSerialize: encode, responseDeserialize: decode },
    };
    implementation[name] = (call, callback) => {
      const run = async () => {
        // grpc-js names the port too.
        const host = call.getHost().replace(/:\d+$/, "");
        const request = rest(toProto3JSON(withoutEmptyMaps(call.request)) as JsonObject, host);
        const answer = await api.rest({ host, ...request }, principalOf(call));
        return toMessage(answerType(host), (answer ?? {}) as JsonObject);
      };
      run().then(
        (message) => callback(null, message),
        (error: unknown) =>
          callback(toServiceError(error, (err) => log.error({ err, path }, "gRPC call failed by a bug"))),
      );
    };
  }
  server.addService(definition, implementation);
}

/** Decoded messages have an object for every map; one without entries was not sent and must not become JSON. */
function withoutEmptyMaps(message: Message): Message {
  const fields = message as unknown as Record<string, unknown>;
  for (const { name, map } of message.$type.fieldsArray) {
    const value = fields[name];
    if (map && value && Object.keys(value).length === 0) delete fields[name];
    const inner = map && value ? Object.values(value) : [value].flat();
    for (const one of inner) if (one instanceof Message) withoutEmptyMaps(one as Message);
  }
  return message;
}

function toMessage(type: Type, json: JsonObject): Message {
  const message = fromProto3JSON(type, json);
  if (!message) throw new ApiError("INTERNAL", `${type.fullName}: no message in the answer`);
  return message;
}
