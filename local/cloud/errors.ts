/** Google's error body: `{"error": {code, message, status, details}}`, with the HTTP and gRPC codes of each status. */
import type { Json, JsonObject } from "./service";

/** HTTP and gRPC numbers by canonical status. Source: google/rpc/code.proto. */
export const STATUS = {
  CANCELLED: { http: 499, grpc: 1 },
  UNKNOWN: { http: 500, grpc: 2 },
  INVALID_ARGUMENT: { http: 400, grpc: 3 },
  DEADLINE_EXCEEDED: { http: 504, grpc: 4 },
  NOT_FOUND: { http: 404, grpc: 5 },
  ALREADY_EXISTS: { http: 409, grpc: 6 },
  PERMISSION_DENIED: { http: 403, grpc: 7 },
  RESOURCE_EXHAUSTED: { http: 429, grpc: 8 },
  FAILED_PRECONDITION: { http: 400, grpc: 9 },
  ABORTED: { http: 409, grpc: 10 },
  OUT_OF_RANGE: { http: 400, grpc: 11 },
  UNIMPLEMENTED: { http: 501, grpc: 12 },
  INTERNAL: { http: 500, grpc: 13 },
  UNAVAILABLE: { http: 503, grpc: 14 },
  DATA_LOSS: { http: 500, grpc: 15 },
  UNAUTHENTICATED: { http: 401, grpc: 16 },
} as const;
export type Status = keyof typeof STATUS;

export class ApiError extends Error {
  /**
   * @param http overrides the status's HTTP code where an older API differs (storage answers 412 for a failed
   * precondition and 409 for a non-empty bucket).
   */
  constructor(
    readonly status: Status,
    message: string,
    readonly details: readonly JsonObject[] = [],
    readonly http: number = STATUS[status].http,
    /** `reason` of the older error form (`errors[0].reason`) that storage and bigquery clients read. */
    readonly reason?: string,
  ) {
    super(message);
    this.name = "ApiError";
  }

  body(): Json {
    const error: JsonObject = { code: this.http, message: this.message, status: this.status };
    if (this.reason) error.errors = [{ message: this.message, domain: "global", reason: this.reason }];
    if (this.details.length > 0) error.details = [...this.details];
    return { error };
  }
}

export const notFound = (what: string) => new ApiError("NOT_FOUND", `Resource not found: ${what}`);
export const invalid = (message: string, details?: JsonObject[]) => new ApiError("INVALID_ARGUMENT", message, details);

/** Why the cloud cannot start, in words for the user who can mend it: printed without a stack, exit code 2. */
export class StartError extends Error {
  override name = "StartError";
}

/**
 * A file system fault as the client sees it; undefined for all else. A full disk is answered as an exceeded quota (403),
 * because clients repeat 429 and 5xx for minutes, and a full disk does not heal by repeating.
 */
export function diskFault(error: unknown): ApiError | undefined {
  const { code = "", message = "", cause } = (error ?? {}) as NodeJS.ErrnoException;
  // LevelDB has no code for it, only the system's text. EFBIG: the limit of a process instead of the disk's.
  const isFull = ["ENOSPC", "EDQUOT", "EFBIG"].includes(code) || /No space left on device|File too large/.test(message);
  if (!isFull) return cause === undefined ? undefined : diskFault(cause);
  const why = "The disk that holds this cloud's state is full. Free space, then repeat the request.";
  return new ApiError("RESOURCE_EXHAUSTED", why, [], 403, "quotaExceeded");
}
