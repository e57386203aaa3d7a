/** API errors as gRPC statuses; error details travel in `grpc-status-details-bin` as `google.rpc.Status`. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Metadata, status as grpcStatus, type ServiceError } from "@grpc/grpc-js";
import { fromProto3JSON } from "proto3-json-serializer";
import { Root, type INamespace } from "protobufjs";
import { ApiError, STATUS } from "../errors";

/**
 * Messages that all of Google's APIs share, from google-gax: `status`, `iam_service`, `operations`. The package does not
 * export the files, so they are found beside its entry.
 */
export function commonProtos(name: "status" | "iam_service"): Root {
  const file = join(dirname(require.resolve("google-gax")), "..", "protos", `${name}.json`);
  return Root.fromJSON(JSON.parse(readFileSync(file, "utf8")) as INamespace);
}

let statusProtos: Root | undefined;

/** `google.rpc.Status` of an error with details, encoded; undefined when there are none. */
export function encodeDetails(error: ApiError): Buffer | undefined {
  if (error.details.length === 0) return undefined;
  statusProtos ??= commonProtos("status");
  const type = statusProtos.lookupType("google.rpc.Status");
  const message = fromProto3JSON(type, {
    code: STATUS[error.status].grpc,
    message: error.message,
    details: error.details as never,
  });
  return message ? Buffer.from(type.encode(message).finish()) : undefined;
}

/** What a gRPC implementation passes to its callback for any error. */
export function toServiceError(error: unknown, log: (error: unknown) => void): Partial<ServiceError> {
  if (!(error instanceof ApiError)) {
    log(error);
    return { code: grpcStatus.INTERNAL, details: "Internal error encountered. The cloud's log says more." };
  }
  const metadata = new Metadata();
  const details = encodeDetails(error);
  if (details) metadata.set("grpc-status-details-bin", details);
  return { code: STATUS[error.status].grpc, details: error.message, metadata };
}
