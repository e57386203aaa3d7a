/** The BigQuery Storage API: gRPC calls carried to the engine as they are, with status, deadline and cancellation. */
import {
  Client,
  credentials,
  Metadata,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  type Server,
  type ServiceError,
} from "@grpc/grpc-js";
import { Transform } from "node:stream";
import type { Cloud } from "../../cloud";
import type { Principal } from "../../service";
import { requireStorageAccess } from "./storage-access";
import { principalOf } from "../../grpc/grpc";
import { toServiceError } from "../../grpc/status";
import { started } from "./engine-call";
import { refreshExternalTables } from "./external-tables";

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const PACKAGE = "google.cloud.bigquery.storage.v1";
type Kind = "unary" | "answers" | "both";
const SERVICES: Record<string, Record<string, Kind>> = {
  BigQueryRead: { CreateReadSession: "unary", ReadRows: "answers", SplitReadStream: "unary" },
  BigQueryWrite: {
    ...{ CreateWriteStream: "unary", GetWriteStream: "unary", FinalizeWriteStream: "unary", FlushRows: "unary" },
    ...{ BatchCommitWriteStreams: "unary", AppendRows: "both" },
  },
};

export const STORAGE_METHODS = Object.values(SERVICES).flatMap((methods) => Object.keys(methods));

/** One connection to each engine process, by its address. */
const clients = new WeakMap<Cloud, { address: string; client: Client }>();

export function addStorageApi(server: Server, cloud: Cloud): void {
  for (const [service, methods] of Object.entries(SERVICES)) {
    const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
    const handlers: Record<string, Handler> = {};
    for (const [name, kind] of Object.entries(methods)) {
      const path = `/${PACKAGE}.${service}/${name}`;
      definition[name] = raw(path, kind);
      handlers[name] = { unary, answers, both }[kind](cloud, path);
    }
    server.addService(definition, handlers);
  }
}

export function closeStorageApi(cloud: Cloud): void {
  clients.get(cloud)?.client.close();
  clients.delete(cloud);
}

type Handler =
  handleUnaryCall<Buffer, Buffer> | handleServerStreamingCall<Buffer, Buffer> | handleBidiStreamingCall<Buffer, Buffer>;

const same = (bytes: Buffer) => bytes;

function raw(path: string, kind: Kind): MethodDefinition<Buffer, Buffer> {
  const bytes = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  return { path, requestStream: kind === "both", responseStream: kind !== "unary", ...bytes };
}

interface Incoming {
  metadata: Metadata;
  getDeadline: () => Date | number;
}

async function open(cloud: Cloud, call: Incoming) {
  const { grpc: address, token } = await started(cloud);
  let known = clients.get(cloud);
  if (known?.address !== address) {
    known?.client.close();
    const size = {
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    };
    // The machine's proxy settings are for clients of this cloud, not for its own engine.
    const options = { ...size, "grpc.enable_http_proxy": 0 };
    known = { address, client: new Client(address, credentials.createInsecure(), options) };
    clients.set(cloud, known);
  }
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  metadata.set("x-sparklab-principal", principalOf(call).email);
  return { client: known.client, metadata, options: { deadline: call.getDeadline() } };
}

function unary(cloud: Cloud, path: string): handleUnaryCall<Buffer, Buffer> {
  const opens = path.endsWith("/CreateReadSession");
  return (call, answer) => {
    requireStorageAccess(cloud, principalOf(call), path, call.request)
      .then(() => (opens ? refreshExternalTables(cloud, call.request.toString("latin1")) : undefined))
      .then(() => open(cloud, call))
      .then(
        ({ client, metadata, options }) => {
          const inner = client.makeUnaryRequest(path, same, same, call.request, metadata, options, (error, response) =>
            error ? answer(passedOn(error)) : answer(null, response),
          );
          call.on("cancelled", () => inner.cancel());
        },
        (error: unknown) => answer(refusal(error, cloud)),
      );
  };
}

function answers(cloud: Cloud, path: string): handleServerStreamingCall<Buffer, Buffer> {
  return (call) => {
    const asked = requireStorageAccess(cloud, principalOf(call), path, call.request);
    asked
      .then(() => open(cloud, call))
      .then(
        ({ client, metadata, options }) => {
          const inner = client.makeServerStreamRequest(path, same, same, call.request, metadata, options);
          // `pipe` waits for a slow reader, and so does the engine behind it.
          inner.on("error", (error: ServiceError) => call.emit("error", passedOn(error)));
          call.on("cancelled", () => inner.cancel());
          inner.pipe(sink(call));
        },
        (error: unknown) => call.emit("error", refusal(error, cloud)),
      );
  };
}

function both(cloud: Cloud, path: string): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    open(cloud, call).then(
      ({ client, metadata, options }) => {
        const inner = client.makeBidiStreamRequest(path, same, same, metadata, options);
        let refused = false;
        inner.on("error", (error: ServiceError) => refused || call.emit("error", passedOn(error)));
        call.on("cancelled", () => inner.cancel());
        const asked = permitted(cloud, principalOf(call), path);
        asked.on("error", (error) => {
          refused = true;
          inner.cancel();
          call.emit("error", refusal(error, cloud));
        });
        call.pipe(asked).pipe(sink(inner));
        inner.pipe(sink(call));
      },
      (error: unknown) => call.emit("error", refusal(error, cloud)),
    );
  };
}

/** Passes on the messages whose table the caller may write. */
function permitted(cloud: Cloud, principal: Principal, path: string): Transform {
  return new Transform({
    objectMode: true,
    transform: (message: Buffer, _encoding, done) => {
      requireStorageAccess(cloud, principal, path, message).then(
        () => done(null, message),
        (error: Error) => done(error),
      );
    },
  });
}

/** grpc-js types its own streams more narrowly than Node's pipe wants them. */
const sink = (stream: unknown) => stream as NodeJS.WritableStream;

/** Code and details as the engine gave them; a lost engine is UNAVAILABLE, which clients retry. */
function passedOn({ code, details, metadata }: ServiceError): Partial<ServiceError> {
  const trailers = new Metadata();
  for (const value of metadata?.get("grpc-status-details-bin") ?? []) trailers.add("grpc-status-details-bin", value);
  return { code, details, metadata: trailers };
}

const refusal = (error: unknown, cloud: Cloud) =>
  toServiceError(error, (err) => cloud.log.error({ err }, "BigQuery Storage API failed by a bug"));
