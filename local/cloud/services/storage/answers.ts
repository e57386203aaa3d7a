/**
 * Cloud Storage's own errors: the HTTP code, the `reason` that its clients read and the text of the real service.
 * Source: docs "HTTP status and error codes for JSON", "Request preconditions", "Resumable uploads".
 */
import { ApiError, diskFault } from "../../errors";

export const invalid = (message: string) => new ApiError("INVALID_ARGUMENT", message, [], 400, "invalid");
export const required = (message: string) => new ApiError("INVALID_ARGUMENT", message, [], 400, "required");
export const conflict = (message: string) => new ApiError("ALREADY_EXISTS", message, [], 409, "conflict");
export const forbidden = (message: string, reason = "forbidden") =>
  new ApiError("PERMISSION_DENIED", message, [], 403, reason);
export const noBucket = () => new ApiError("NOT_FOUND", "The specified bucket does not exist.", [], 404, "notFound");
export const noObject = (bucket: string, name: string) =>
  new ApiError("NOT_FOUND", `No such object: ${bucket}/${name}`, [], 404, "notFound");
export const gone = (message: string) => new ApiError("NOT_FOUND", message, [], 410, "gone");
export const unimplemented = (what: string) =>
  new ApiError("UNIMPLEMENTED", `${what} is not implemented by this cloud.`, [], 501, "notImplemented");

/** A precondition that did not hold on a method that changes something. */
export const conditionNotMet = () =>
  new ApiError(
    "FAILED_PRECONDITION",
    "At least one of the pre-conditions you specified did not hold.",
    [],
    412,
    "conditionNotMet",
  );

/** A `...NotMatch` precondition that did not hold on a read: 304 without a body. */
export const notModified = () => new ApiError("FAILED_PRECONDITION", "Not Modified", [], 304, "notModified");

export const rangeNotSatisfiable = () =>
  new ApiError("OUT_OF_RANGE", "Request range not satisfiable", [], 416, "requestedRangeNotSatisfiable");

/** The client went away in the middle of an upload; nobody reads this answer, the log does. */
export const clientClosed = () =>
  new ApiError("CANCELLED", "The client closed the connection before the upload was complete.", [], 499, "aborted");

/** A full disk as the client sees it; all else as it is. */
export function explain(error: unknown): never {
  throw diskFault(error) ?? error;
}
