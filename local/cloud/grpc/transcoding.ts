/**
 * gRPC methods whose REST twin is served already: each unary method of a service's protos becomes one REST request by
 * its `google.api.http` annotation, so that both protocols have one behaviour. `google.longrunning.Operations` and
 * `google.iam.v1.IAMPolicy` have the same methods on every host and are answered for the host that is asked.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { handleUnaryCall, MethodDefinition, Server } from "@grpc/grpc-js";
import { fromProto3JSON, toProto3JSON } from "proto3-json-serializer";
import { Message, Root, type INamespace, type Method, type Type } from "protobufjs";
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
  root: Root;
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

function addService(server: Server, { protos, services }: Transcoded, deps: TranscodingDeps): Described[] {
  const root = Root.fromJSON(JSON.parse(readFileSync(protosFile(protos), "utf8")) as INamespace);
  root.resolveAll();
  return services.map((name) => {
    const service = root.lookupService(name);
    const methods = service.methodsArray.filter((method) => !method.requestStream && !method.responseStream);
    const entries = methods.map((method) => ({ method, rules: httpRules(method.parsedOptions as never) }));
    const host = service.getOption("(google.api.default_host)") as string | undefined;
    const version = entries[0]?.rules[0]?.template.split("/")[1];
    if (!host || !version) throw new Error(`${name} in ${protos}: has no host or no google.api.http annotation`);
    add(
      server,
      service.fullName.slice(1),
      entries.map(({ method, rules }) => ({
        method,
        answerType: () => method.resolvedResponseType!,
        rest: (message) => toRest(rules, message),
      })),
      deps,
    );
    return { root, host, version };
  });
}

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
  const operations = described
    .find(({ root }) => root.lookup(OPERATIONS_SERVICE))
    ?.root.lookupService(OPERATIONS_SERVICE);
  const policies = commonProtos("iam_service").lookupService("google.iam.v1.IAMPolicy");
  const common = (method: Method, rest: (version: string, message: JsonObject) => RestRequest): Unary => ({
    method: method.resolve() as Method,
    answerType: (host) => ownType(method, of(host)),
    rest: (message, host) => rest(of(host).version, message),
  });
  add(
    server,
    OPERATIONS_SERVICE,
    (operations?.methodsArray ?? []).map((method) => {
      const [verb, suffix = "", body] = OPERATIONS[method.name]!;
      return common(method, (version, message) =>
        toRest([rule(verb, `/${version}/{name=**}${suffix}`, body)], message),
      );
    }),
    deps,
  );
  add(
    server,
    "google.iam.v1.IAMPolicy",
    policies.methodsArray.map((method) => {
      const verb = method.name[0]!.toLowerCase() + method.name.slice(1);
      return common(method, (version, message) =>
        toRest([rule("POST", `/${version}/{resource=**}:${verb}`, "*")], message),
      );
    }),
    deps,
  );
}

/** Only the asked API's own protos know the messages inside its operations. */
function ownType(method: Method, { root }: Described): Type {
  const type = (method.resolve() as Method).resolvedResponseType!;
  return type.fullName.startsWith(".google.longrunning.") ? root.lookupType(type.fullName) : type;
}

const OPERATIONS_SERVICE = "google.longrunning.Operations";
const OPERATIONS: Readonly<Record<string, readonly [verb: string, suffix?: string, body?: string]>> = {
  ListOperations: ["GET"],
  GetOperation: ["GET"],
  DeleteOperation: ["DELETE"],
  CancelOperation: ["POST", ":cancel", "*"],
  WaitOperation: ["POST", ":wait", "*"],
};
const rule = (verb: string, template: string, body?: string): HttpRule => ({ verb, template, body });

interface Unary {
  method: Method;
  answerType: (host: string) => Type;
  rest: (message: JsonObject, host: string) => RestRequest;
}

function add(server: Server, serviceName: string, methods: readonly Unary[], { api, log }: TranscodingDeps): void {
  const definition: Record<string, MethodDefinition<Message, Message>> = {};
  const implementation: Record<string, handleUnaryCall<Message, Message>> = {};
  for (const { method, answerType, rest } of methods) {
    const path = `/${serviceName}/${method.name}`;
    const encode = (message: Message) => Buffer.from(message.$type.encode(message).finish());
    const decode = (bytes: Buffer) => method.resolvedRequestType!.decode(bytes);
    definition[method.name] = {
      ...{ path, requestStream: false, responseStream: false },
      ...{ requestSerialize: encode, requestDeserialize: decode },
      ...{ responseSerialize: encode, responseDeserialize: decode },
    };
    implementation[method.name] = (call, callback) => {
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
